//! The two lanes by themselves.

use std::task::Waker;

use super::*;
use crate::connection::lanes::BATCH_BYTES;

fn take(outbound: &Outbound) -> Option<Batch> {
    match outbound.poll_take(&Context::from_waker(Waker::noop())) {
        Poll::Ready(batch) => batch,
        Poll::Pending => Some(Batch::default()),
    }
}

fn key(name: &str) -> Arc<str> {
    name.into()
}

#[test]
fn a_full_queue_refuses_and_announces_room_once_below_half() {
    let outbound = Outbound::new(10);
    assert_eq!(
        outbound.try_put("0123456789ab".into()),
        Ok(WriteMark(1)),
        "alone it may be over"
    );
    assert_eq!(outbound.try_put("x".into()), Err(SendError::Full));
    outbound.put("owed".into());
    assert_eq!(outbound.queued_bytes(), 16);
    let batch = take(&outbound).unwrap();
    assert_eq!(batch.messages, ["0123456789ab", "owed"]);
    assert!(batch.writable);
    assert_eq!(outbound.try_put("x".into()), Ok(WriteMark(3)));
    assert!(!take(&outbound).unwrap().writable, "told only once");
}

#[test]
fn the_newest_of_a_key_takes_the_place_of_the_older() {
    let outbound = Outbound::new(100);
    let put = |name, message: &'static str| {
        outbound.put_latest(&key(name), message.into(), |_, newer| newer)
    };
    put("a", "a1").unwrap();
    put("b", "b1").unwrap();
    put("a", "a22").unwrap();
    outbound.try_put("first".into()).unwrap();
    assert_eq!(outbound.queued_bytes(), 10);
    assert_eq!(take(&outbound).unwrap().messages, ["first", "a22", "b1"]);
    assert_eq!(outbound.queued_bytes(), 0);
}

#[test]
fn what_is_merged_keeps_its_place_and_its_length_is_counted() {
    let outbound = Outbound::new(100);
    let put = |message: &'static str| {
        outbound.put_latest(&key("a"), message.into(), |unsent, newer| {
            [unsent.as_ref(), newer.as_ref()].concat().into()
        })
    };
    put("one").unwrap();
    put("three").unwrap();
    assert_eq!(outbound.queued_bytes(), 8);
    assert_eq!(take(&outbound).unwrap().messages, ["onethree"]);
    assert_eq!(outbound.queued_bytes(), 0);
    put("alone").unwrap();
    assert_eq!(take(&outbound).unwrap().messages, ["alone"]);
}

#[test]
fn a_probe_waits_for_what_was_queued_before_it() {
    let outbound = Outbound::new(usize::MAX);
    let big = Bytes::from(vec![b'x'; BATCH_BYTES]);
    outbound.put(big.clone());
    outbound.put(big);
    outbound.probe();
    outbound.probe();
    assert!(!take(&outbound).unwrap().probe);
    let second = take(&outbound).unwrap();
    assert!(second.probe);
    assert_eq!(second.mark, WriteMark(2));
    outbound.probe();
    let again = take(&outbound).unwrap();
    assert!(
        again.probe && again.messages.is_empty(),
        "a probe needs no message"
    );
}

#[test]
fn a_later_probe_is_not_served_by_an_earlier_ping() {
    let outbound = Outbound::new(usize::MAX);
    let big = Bytes::from(vec![b'x'; BATCH_BYTES]);
    outbound.put(big.clone());
    outbound.probe();
    outbound.put(big);
    outbound.probe();
    assert_eq!(
        take(&outbound).map(|b| (b.probe, b.mark)),
        Some((true, WriteMark(1)))
    );
    assert_eq!(
        take(&outbound).map(|b| (b.probe, b.mark)),
        Some((true, WriteMark(2)))
    );
}

/// Counts what wakes it.
#[derive(Default)]
struct Bell(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Bell {
    fn rings(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// An older poll that looked once more took the newer one's place, which then waited for its time to
/// be over although there was something for it.
#[test]
fn an_older_consumer_does_not_take_the_place_of_a_newer_one() {
    let outbound = Outbound::new(100);
    let (older, newer) = (Arc::<Bell>::default(), Arc::<Bell>::default());
    let wakers = [&older, &newer].map(|bell| Waker::from(Arc::clone(bell)));
    let contexts = wakers.each_ref().map(Context::from_waker);
    let first = outbound.succeed();
    assert!(outbound.poll_take_as(first, &contexts[0]).is_pending());
    let second = outbound.succeed();
    assert_eq!(older.rings(), 1, "it is told");
    assert!(outbound.poll_take_as(second, &contexts[1]).is_pending());
    let late = outbound.poll_take_as(first, &contexts[0]);
    assert!(matches!(late, Poll::Ready(Err(Superseded))));
    outbound.put("x".into());
    assert_eq!((older.rings(), newer.rings()), (1, 1));
    let taken = outbound.poll_take_as(second, &contexts[1]);
    assert!(matches!(taken, Poll::Ready(Ok(Some(_)))));
}

#[test]
fn closing_hands_out_the_rest_and_then_ends() {
    let outbound = Outbound::new(10);
    outbound.put("a".into());
    outbound.close(Some("bye".into()));
    outbound.put("late".into());
    assert_eq!(outbound.try_put("b".into()), Err(SendError::Closed));
    assert_eq!(take(&outbound).unwrap().messages, ["a", "bye"]);
    assert!(take(&outbound).is_none());
}
