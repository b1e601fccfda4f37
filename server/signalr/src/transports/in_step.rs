//! Session and transport in one task, so that a call costs one poll of it and not three.
//!
//! Each fills what the other empties. Polled in turn, what the client sent is handled and answered
//! before the task rests: neither has to wake the task that is already running for the other.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

use crate::Connection;

/// Drives both to their ends. They come pinned: an async function would keep room for them twice.
pub(super) fn in_step<P>(
    connection: &Connection<P>,
    mut session: Pin<&mut impl Future<Output = ()>>,
    mut transport: Pin<&mut impl Future<Output = ()>>,
) -> impl Future<Output = ()> {
    let (mut talking, mut moving) = (true, true);
    poll_fn(move |cx| {
        if talking && moving {
            // The session looks into the inbox right after.
            connection.inbox.expect_reader(cx.waker());
            moving = transport.as_mut().poll(cx).is_pending();
        }
        if talking {
            connection.outbound.step_aside();
            talking = session.as_mut().poll(cx).is_pending();
            let news = connection.outbound.attend();
            if moving && news {
                moving = transport.as_mut().poll(cx).is_pending();
            }
        } else {
            moving = transport.as_mut().poll(cx).is_pending();
        }
        if talking || moving {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
}
