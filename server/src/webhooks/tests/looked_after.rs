//! What somebody who looks after a webhook sees of it, and does to it.

use jiff::SignedDuration;

use super::Stage;
use crate::store::webhook_tries::{self as tries, KEPT, Try};
use crate::webhooks::changes::{Before, Changing, PAUSED, Refused, Wanted};

impl Stage {
    fn changing(&self) -> Changing<'_> {
        Changing {
            webhooks: &self.hooks,
            tenant: self.desk.tenant,
            service: self.desk.service,
        }
    }

    async fn tries(&self) -> Vec<Try> {
        let mut conn = self.desk.pool.acquire().await.unwrap();
        tries::newest(&mut conn, self.webhook, 1_000).await.unwrap()
    }
}

#[tokio::test]
async fn each_try_is_kept_with_what_was_answered() {
    let stage = Stage::open(&["notification.acked", "notification.settled"]).await;
    stage.receiver.answers(&[503]);
    stage.acked().await;
    stage.round().await;
    stage.desk.seconds(7);
    stage.round().await;
    let tested = stage.changing().test("receipts").await.unwrap();
    let kept = stage.tries().await;
    let told: Vec<(i16, &str, Option<i16>)> = kept
        .iter()
        .map(|one| (one.nth, one.about.as_str(), one.status))
        .collect();
    assert_eq!(
        told,
        [
            (0, "test", Some(204)),
            (2, "1 acked, 1 settled", Some(204)),
            (1, "1 acked, 1 settled", Some(503)),
        ]
    );
    assert_eq!(kept[0].message, tested.id);
    assert_eq!(kept[1].message, kept[2].message, "one request");
    assert_eq!(kept[2].failure.as_deref(), Some("answered 503"));
    let pause = kept[2].next_at.unwrap().duration_since(kept[2].at);
    assert!(pause >= SignedDuration::from_secs(5), "{pause:?}");
    assert!(kept[1].failure.is_none() && kept[1].next_at.is_none());
}

#[tokio::test]
async fn of_the_tries_the_newest_are_kept_and_none_of_a_removed_one() {
    let stage = Stage::open(&["notification.acked"]).await;
    let most = i16::try_from(KEPT).unwrap() + 3;
    let mut conn = stage.desk.pool.acquire().await.unwrap();
    for nth in 1..=most {
        let one = Try {
            message: stage.desk.ids.uuid(),
            nth,
            about: "1 acked".to_owned(),
            at: stage.desk.clock.now(),
            status: Some(500),
            failure: Some("answered 500".to_owned()),
            next_at: None,
        };
        tries::note(&mut conn, stage.webhook, &one).await.unwrap();
    }
    let kept: Vec<i16> = stage.tries().await.iter().map(|one| one.nth).collect();
    assert_eq!(kept, (4..=most).rev().collect::<Vec<_>>());
    let one = stage.tries().await.remove(0);
    stage.changing().remove("receipts").await.unwrap();
    assert!(stage.tries().await.is_empty());
    // One that was under way when it was removed.
    tries::note(&mut conn, stage.webhook, &one).await.unwrap();
    assert!(stage.tries().await.is_empty());
}

#[tokio::test]
async fn a_paused_one_is_sent_nothing_until_it_is_resumed() {
    let stage = Stage::open(&["notification.acked"]).await;
    stage.receiver.answers(&[503]);
    stage.acked().await;
    stage.round().await;
    stage.changing().pause("receipts").await.unwrap();
    assert_eq!(stage.state().await.disabled.as_deref(), Some(PAUSED));
    stage.acked().await;
    stage.desk.seconds(60);
    assert!(!stage.round().await, "paused");
    let waiting = stage.waiting().await;
    assert_eq!((waiting.requests, waiting.events), (1, 0));
    stage.changing().resume("receipts").await.unwrap();
    while stage.round().await {}
    assert_eq!(stage.receiver.got().len(), 2, "what waited, once more");
    stage.acked().await;
    stage.round().await;
    assert_eq!(stage.receiver.got().len(), 3);
}

#[tokio::test]
async fn another_secret_resumes_nothing_and_a_new_one_takes_no_others_place() {
    let stage = Stage::open(&["notification.acked"]).await;
    let changing = stage.changing();
    changing.pause("receipts").await.unwrap();
    let newer = crate::webhooks::secret::text(b"the next secret of the tests, 32");
    changing.change_secret("receipts", &newer).await.unwrap();
    assert_eq!(stage.state().await.disabled.as_deref(), Some(PAUSED));
    changing.resume("receipts").await.unwrap();
    stage.acked().await;
    stage.round().await;
    let got = stage.receiver.got();
    assert!(got[0].is_signed_with(super::SECRET));
    assert!(got[0].is_signed_with(b"the next secret of the tests, 32"));
    // Who still has the old secret only was told that the test was forged.
    changing.test("receipts").await.unwrap();
    let tested = stage.receiver.got().pop().unwrap();
    assert!(tested.is_signed_with(super::SECRET));
    assert!(tested.is_signed_with(b"the next secret of the tests, 32"));
    let wanted = Wanted {
        url: "http://10.0.0.1/".to_owned(),
        events: vec!["notification.acked".to_owned()],
        before: Before::Absent,
        ..Wanted::default()
    };
    let refused = changing.put("receipts", wanted.clone()).await.unwrap_err();
    assert_eq!(refused.field().as_deref(), Some("id"), "{refused}");
    // Somebody edits what another has just removed.
    let edit = Wanted {
        before: Before::Present,
        ..wanted.clone()
    };
    let gone = changing.put("removed", edit).await.unwrap_err();
    assert!(matches!(gone, Refused::Unknown), "{gone}");
    assert!(changing.put("more", wanted).await.unwrap().created);
    let unknown = changing.pause("nothing").await.unwrap_err();
    assert!(matches!(unknown, Refused::Unknown), "{unknown}");
}
