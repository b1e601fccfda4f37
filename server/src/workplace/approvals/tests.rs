//! Approvals on a real database.

use app::model::approval::{
    ApprovalTab, Decision, RequestDetail, RequestState, StepState, Verdict,
};
use app::model::person::Role;
use uuid::Uuid;

use super::{NewRequest, NewStep, decide, detail, list, submit, withdraw};
use crate::workplace::fixture::{Place, Tenant};
use crate::workplace::topics::Topic;
use crate::workplace::{Actor, WorkplaceError};

const START: &str = "2026-11-20T09:00:00Z";

fn request(tenant: &Tenant, requester: &str, approvers: &[&str]) -> NewRequest {
    let steps = if approvers.is_empty() {
        vec![]
    } else {
        vec![step("", approvers)]
    };
    NewRequest {
        tenant: tenant.id,
        service: tenant.service,
        requester: requester.to_owned(),
        kind: "purchase".to_owned(),
        subject: "Cold-chain sensors".to_owned(),
        amount: "€4,800.00".to_owned(),
        fields: vec![("Quantity".to_owned(), "12".to_owned())],
        steps,
        due_at: None,
        source_id: None,
    }
}

fn step(name: &str, approvers: &[&str]) -> NewStep {
    NewStep {
        name: name.to_owned(),
        approvers: approvers.iter().map(|key| (*key).to_owned()).collect(),
    }
}

fn says(request: Uuid, verdict: Verdict, comment: &str) -> Decision {
    Decision {
        request: request.to_string(),
        revision: 1,
        verdict,
        comment: comment.to_owned(),
    }
}

/// Ada asks; Tom and Zuzanna may decide; Ingrid is Ada's manager.
async fn company(place: &Place) -> (Tenant, Actor, Actor, Actor, Actor) {
    let tenant = place.tenant("merrow").await;
    let ingrid = place.user(&tenant, "ingrid", None, None).await;
    let ada = place.user(&tenant, "ada", Some(&ingrid), None).await;
    let tom = place.user(&tenant, "tom", None, None).await;
    let zuzanna = place.user(&tenant, "zuzanna", None, None).await;
    (tenant, ada, tom, zuzanna, ingrid)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_approvers_in_the_same_instant_one_wins() {
    let place = Place::open(START).await;
    let (tenant, ada, tom, zuzanna, _) = company(&place).await;
    let work = &place.workplace;
    for round in 0..40 {
        let id = submit(work, request(&tenant, "ada", &["tom", "zuzanna"]))
            .await
            .unwrap()
            .id;
        let one = decide(work, &tom, says(id, Verdict::Approve, ""));
        let other = decide(work, &zuzanna, says(id, Verdict::Reject, "Too dear."));
        let (one, other) = if round % 2 == 0 {
            tokio::join!(one, other)
        } else {
            swap(tokio::join!(other, one))
        };
        let (winner, loser, by) = match (one, other) {
            (Ok(won), Err(lost)) => (won, lost, "Tom"),
            (Err(lost), Ok(won)) => (won, lost, "Zuzanna"),
            both => panic!("round {round}: not exactly one winner: {both:?}"),
        };
        assert!(
            matches!(&loser, WorkplaceError::AlreadyDecided { by: who, .. } if who == by),
            "{loser:?}"
        );
        assert_eq!(winner.events.len(), 2, "submitted, and one decision");
        assert_eq!(winner.row.decided_by.as_deref(), Some(by));
    }
    let decided = "SELECT count(*) FROM bellhop.assignment
                    WHERE tenant_id = $1 AND state IN ('approved', 'rejected')";
    assert_eq!(place.count(decided, &tenant).await, 40);
    let superseded =
        "SELECT count(*) FROM bellhop.assignment WHERE tenant_id = $1 AND state = 'superseded'";
    assert_eq!(place.count(superseded, &tenant).await, 40);

    // However the rounds interleaved, the revisions are one row of numbers and the last counts true.
    let patches = place.patches(&tenant, Topic::Approvals(ada.user));
    assert_eq!(patches.len(), 80);
    assert!(
        (1..)
            .zip(&patches)
            .all(|(rev, patch)| (patch.from, patch.rev) == (rev - 1, rev))
    );
    let last = patches
        .last()
        .and_then(|patch| patch.counts.clone())
        .unwrap();
    assert_eq!(
        last,
        serde_json::json!({"waiting": 0, "decided": 0, "mine": 0})
    );
}

fn swap<A, B>((a, b): (A, B)) -> (B, A) {
    (b, a)
}

#[tokio::test]
async fn loser_is_told_who_won() {
    let place = Place::open(START).await;
    let (tenant, ada, tom, zuzanna, _) = company(&place).await;
    let work = &place.workplace;
    let id = submit(work, request(&tenant, "ada", &["tom", "zuzanna"]))
        .await
        .unwrap()
        .id;
    place.clock.advance(60_000);
    decide(work, &tom, says(id, Verdict::Approve, ""))
        .await
        .unwrap();
    place.clock.advance(12_000);
    let lost = decide(work, &zuzanna, says(id, Verdict::Approve, ""))
        .await
        .unwrap_err();
    let WorkplaceError::AlreadyDecided { by, verdict, at } = lost else {
        panic!("{lost:?}")
    };
    assert_eq!((by.as_str(), verdict), ("Tom", "approved"));
    assert_eq!(at.to_string(), "2026-11-20T09:01:00Z");

    // The same click twice is the same decision; the other verdict comes too late.
    let again = decide(work, &tom, says(id, Verdict::Approve, ""))
        .await
        .unwrap();
    assert_eq!(again.events.len(), 2);
    let changed = decide(work, &tom, says(id, Verdict::Reject, "no"))
        .await
        .unwrap_err();
    assert!(
        matches!(changed, WorkplaceError::AlreadyDecided { .. }),
        "{changed:?}"
    );

    // Zuzanna's card leaves her list and stays readable as "no longer needed".
    let hers = place.patches(&tenant, Topic::Approvals(zuzanna.user));
    assert_eq!(hers.last().unwrap().remove, [id.to_string()]);
    let seen = detail(work, &zuzanna, id).await.unwrap();
    assert_eq!(seen.steps[0].assignees[1].state, StepState::Superseded);
    assert!(!seen.can_decide);
    assert_eq!(
        place.kinds(),
        [
            ("NewTask".to_owned(), 2),
            ("DocumentApproved".to_owned(), 1)
        ],
    );
    assert_eq!(
        list(work, &ada, ApprovalTab::Mine)
            .await
            .unwrap()
            .counts
            .mine,
        0
    );
}

#[tokio::test]
async fn stale_revision_is_refused() {
    let place = Place::open(START).await;
    let (tenant, _, tom, _, _) = company(&place).await;
    let work = &place.workplace;
    let id = submit(work, request(&tenant, "ada", &["tom"]))
        .await
        .unwrap()
        .id;
    sqlx::query("UPDATE bellhop.request SET revision = 2, amount = '€5,800.00' WHERE id = $1")
        .bind(id)
        .execute(&work.pool)
        .await
        .unwrap();
    let stale = decide(work, &tom, says(id, Verdict::Approve, ""))
        .await
        .unwrap_err();
    assert!(
        matches!(stale, WorkplaceError::StaleRevision { current: 2 }),
        "{stale:?}"
    );
    assert_eq!(
        detail(work, &tom, id).await.unwrap().row.state,
        RequestState::InReview
    );
    let second = Decision {
        revision: 2,
        ..says(id, Verdict::Approve, "")
    };
    assert_eq!(
        decide(work, &tom, second).await.unwrap().row.state,
        RequestState::Approved
    );
}

#[tokio::test]
async fn tenant_b_sees_nothing_of_tenant_a() {
    let place = Place::open(START).await;
    let (a, ada, tom, _, _) = company(&place).await;
    let b = place.tenant("vale").await;
    let boss = place.user(&b, "tom", None, None).await;
    let other = place.user(&b, "ada", Some(&boss), None).await;
    let work = &place.workplace;
    let first = NewRequest {
        source_id: Some("S-1".into()),
        ..request(&a, "ada", &["tom"])
    };
    let second = NewRequest {
        source_id: Some("S-1".into()),
        ..request(&b, "ada", &["tom"])
    };
    let first = submit(work, first).await.unwrap();
    let second = submit(work, second).await.unwrap();
    assert!(
        second.created,
        "the same source id in another tenant is another request"
    );
    assert_eq!(first.number, second.number, "each tenant counts for itself");

    let hr = Actor {
        roles: vec![Role::Hr, Role::Admin],
        ..boss.clone()
    };
    for stranger in [&boss, &other, &hr] {
        let missing = detail(work, stranger, first.id).await.unwrap_err();
        assert!(matches!(missing, WorkplaceError::NotFound(_)));
        let missing = decide(work, stranger, says(first.id, Verdict::Approve, ""))
            .await
            .unwrap_err();
        assert!(matches!(missing, WorkplaceError::NotFound(_)));
        let missing = withdraw(work, stranger, first.id).await.unwrap_err();
        assert!(matches!(missing, WorkplaceError::NotFound(_)));
    }
    // Even with a forged tenant, a user of the other one has no part in it.
    let forged = Actor {
        tenant: a.id,
        ..boss.clone()
    };
    assert!(detail(work, &forged, first.id).await.is_err());
    let waiting = list(work, &boss, ApprovalTab::Waiting).await.unwrap();
    assert_eq!(waiting.rows.len(), 1);
    assert_eq!(waiting.rows[0].id, second.id.to_string());
    assert!(place.patches(&b, Topic::Approvals(tom.user)).is_empty());
    assert!(place.patches(&a, Topic::Approvals(boss.user)).is_empty());
    assert_eq!(
        list(work, &ada, ApprovalTab::Mine)
            .await
            .unwrap()
            .rows
            .len(),
        1
    );
}

#[tokio::test]
async fn a_source_id_submits_once_even_at_the_same_instant() {
    let place = Place::open(START).await;
    let (tenant, ..) = company(&place).await;
    let work = &place.workplace;
    let new = NewRequest {
        source_id: Some("PO-7".into()),
        ..request(&tenant, "ada", &[])
    };
    let (one, two, three) = tokio::join!(
        submit(work, new.clone()),
        submit(work, new.clone()),
        submit(work, new.clone()),
    );
    let all = [one.unwrap(), two.unwrap(), three.unwrap()];
    assert_eq!(all.iter().filter(|one| one.created).count(), 1);
    assert!(
        all.iter()
            .all(|one| one.id == all[0].id && one.number == "REQ-2026-00001")
    );
    assert_eq!(place.kinds(), [("NewTask".to_owned(), 1)]);
}

fn refused<T: std::fmt::Debug>(result: Result<T, WorkplaceError>) -> (&'static str, String) {
    match result {
        Err(WorkplaceError::Invalid { field, problem }) => (field, problem),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nobody_decides_what_they_asked_for() {
    let place = Place::open(START).await;
    let (tenant, ada, _, zuzanna, ingrid) = company(&place).await;
    let work = &place.workplace;
    let own = submit(work, request(&tenant, "ada", &["tom", "ada"])).await;
    assert_eq!(refused(own).1, "ada cannot approve their own request.");
    let lonely = submit(work, request(&tenant, "ingrid", &[])).await;
    assert_eq!(
        refused(lonely).1,
        "ingrid has no active manager; name the approvers."
    );
    let unknown = submit(work, request(&tenant, "ada", &["nobody"])).await;
    assert_eq!(
        refused(unknown),
        (
            "approvers",
            "There is no active user \"nobody\".".to_owned()
        )
    );
    let zero = NewRequest {
        subject: "a\0b".into(),
        ..request(&tenant, "ada", &[])
    };
    assert_eq!(refused(submit(work, zero).await).0, "subject");

    let id = submit(work, request(&tenant, "ada", &[])).await.unwrap().id;
    let own = decide(work, &ada, says(id, Verdict::Approve, ""))
        .await
        .unwrap_err();
    assert!(matches!(own, WorkplaceError::Forbidden(_)), "{own:?}");
    let stranger = decide(work, &zuzanna, says(id, Verdict::Approve, ""))
        .await
        .unwrap_err();
    assert!(
        matches!(stranger, WorkplaceError::NotFound(_)),
        "{stranger:?}"
    );
    assert!(detail(work, &zuzanna, id).await.is_err());
    let silent = decide(work, &ingrid, says(id, Verdict::Reject, "  ")).await;
    assert_eq!(refused(silent), ("comment", "It is missing.".to_owned()));
    let seen: RequestDetail = detail(work, &ingrid, id).await.unwrap();
    assert!(seen.can_decide);
    assert_eq!(
        seen.consequence,
        "If you approve, the request is approved and Ada is told."
    );
    assert_eq!(seen.steps[0].name, "Line manager");
    assert_eq!(seen.fields, [("Quantity".to_owned(), "12".to_owned())]);
}

#[tokio::test]
async fn steps_open_one_after_the_other() {
    let place = Place::open(START).await;
    let (tenant, ada, tom, zuzanna, ingrid) = company(&place).await;
    let work = &place.workplace;
    let steps = vec![
        step("Line manager", &["ingrid"]),
        step("Finance", &["tom", "zuzanna"]),
    ];
    let new = NewRequest {
        steps,
        ..request(&tenant, "ada", &[])
    };
    let id = submit(work, new).await.unwrap().id;
    let early = decide(work, &tom, says(id, Verdict::Approve, ""))
        .await
        .unwrap_err();
    assert!(matches!(early, WorkplaceError::Forbidden(_)), "{early:?}");
    assert!(
        list(work, &tom, ApprovalTab::Waiting)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    assert_eq!(
        detail(work, &ingrid, id).await.unwrap().consequence,
        "If you approve, Tom or Zuzanna decide next."
    );

    let first = decide(work, &ingrid, says(id, Verdict::Approve, "Fine."))
        .await
        .unwrap();
    assert_eq!(
        (first.row.state, first.row.step),
        (RequestState::InReview, 2)
    );
    assert_eq!(first.row.waits_on, ["Tom", "Zuzanna"]);
    let toms = place.patches(&tenant, Topic::Approvals(tom.user));
    let row = &toms.last().unwrap().upsert[0];
    assert_eq!(row["tabs"], serde_json::json!(["waiting"]));
    assert_eq!(row["number"], "REQ-2026-00001");

    let done = decide(work, &zuzanna, says(id, Verdict::Reject, "Not this year."))
        .await
        .unwrap();
    assert_eq!(done.row.state, RequestState::Rejected);
    assert_eq!(done.row.decided_by.as_deref(), Some("Zuzanna"));
    let kinds: Vec<_> = place.kinds().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["NewTask", "NewTask", "DocumentRejected"]);
    let decided = list(work, &ingrid, ApprovalTab::Decided).await.unwrap();
    assert_eq!((decided.rows.len(), decided.counts.decided), (1, 1));
    assert_eq!(
        list(work, &ada, ApprovalTab::Mine)
            .await
            .unwrap()
            .rows
            .len(),
        1
    );
}

#[tokio::test]
async fn a_request_taken_back_can_no_longer_be_decided() {
    let place = Place::open(START).await;
    let (tenant, ada, tom, _, _) = company(&place).await;
    let work = &place.workplace;
    let id = submit(work, request(&tenant, "ada", &["tom"]))
        .await
        .unwrap()
        .id;
    let not_his = withdraw(work, &tom, id).await.unwrap_err();
    assert!(
        matches!(not_his, WorkplaceError::Forbidden(_)),
        "{not_his:?}"
    );
    let back = withdraw(work, &ada, id).await.unwrap();
    assert_eq!(back.row.state, RequestState::Withdrawn);
    assert_eq!(
        withdraw(work, &ada, id).await.unwrap().events.len(),
        2,
        "twice is once"
    );
    let late = decide(work, &tom, says(id, Verdict::Approve, ""))
        .await
        .unwrap_err();
    assert!(
        matches!(&late, WorkplaceError::AlreadyDecided { by, verdict: "withdrew", .. } if by == "Ada"),
        "{late:?}"
    );
    assert_eq!(
        list(work, &tom, ApprovalTab::Waiting)
            .await
            .unwrap()
            .counts
            .waiting,
        0
    );
}

#[tokio::test]
async fn lists_are_sorted_by_due_then_oldest() {
    let place = Place::open(START).await;
    let (tenant, _, tom, _, _) = company(&place).await;
    let work = &place.workplace;
    let mut expected = Vec::new();
    for (place_in_list, due) in [
        (2, None),
        (1, Some("2026-11-22T09:00:00Z")),
        (3, None),
        (0, Some("2026-11-21T09:00:00Z")),
    ] {
        let due_at = due.map(|due: &str| due.parse().unwrap());
        let new = NewRequest {
            due_at,
            ..request(&tenant, "ada", &["tom"])
        };
        expected.push((
            place_in_list,
            submit(work, new).await.unwrap().id.to_string(),
        ));
        place.clock.advance(1_000);
    }
    expected.sort();
    let listed = list(work, &tom, ApprovalTab::Waiting).await.unwrap();
    let listed_ids: Vec<_> = listed.rows.iter().map(|row| row.id.clone()).collect();
    assert_eq!(
        listed_ids,
        expected.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
    );
    assert_eq!((listed.counts.waiting, listed.as_of), (4, 4));
}
