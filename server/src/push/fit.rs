//! Cutting a message down to what a provider carries. The alarm is worth more than its decoration:
//! what is missing the app fetches by the notification's id.

use std::borrow::Cow;

use super::message::Message;

/// A body, and then a title, is cut to so many characters.
const BODY: usize = 300;
const TITLE: usize = 100;

/// The message, less what `fits` would not carry: first its data goes, then the end of its body, then
/// all of it and the link, then the end of the title. `None`: not even that fits.
pub(super) fn fitting(
    message: &Message,
    fits: impl Fn(&Message) -> bool,
) -> Option<Cow<'_, Message>> {
    if fits(message) {
        return Some(Cow::Borrowed(message));
    }
    let cuts: [fn(&mut Message); 4] = [
        |message| message.data = None,
        |message| {
            message.body = message.body.take().map(|body| cut(&body, BODY));
        },
        |message| {
            message.body = None;
            message.link = None;
        },
        |message| message.title = cut(&message.title, TITLE),
    ];
    let mut less = message.clone();
    for make_less in cuts {
        make_less(&mut less);
        if fits(&less) {
            return Some(Cow::Owned(less));
        }
    }
    None
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::tests::message;

    #[test]
    fn decoration_goes_before_words_and_words_before_the_alarm() {
        let size = |message: &Message| {
            let optional = [&message.body, &message.link, &message.data];
            let optional: usize = optional.into_iter().flatten().map(String::len).sum();
            message.title.len() + optional
        };
        let mut long = message();
        long.title = "t".repeat(200);
        long.body = Some("ü".repeat(400));
        long.link = Some("l".repeat(50));
        long.data = Some("d".repeat(1000));
        let at = |most: usize| fitting(&long, |message| size(message) <= most).unwrap();
        assert!(matches!(at(5000), Cow::Borrowed(_)));
        let without_data = at(1100);
        assert_eq!(without_data.data, None);
        assert_eq!(without_data.body, long.body);
        assert_eq!(
            at(1000).body.as_deref(),
            Some(&*format!("{}…", "ü".repeat(300)))
        );
        let bare = at(300);
        assert_eq!((&bare.body, &bare.link), (&None, &None));
        assert_eq!(bare.title, long.title);
        assert_eq!(at(110).title.chars().count(), 101);
        assert!(fitting(&long, |_| false).is_none());
    }
}
