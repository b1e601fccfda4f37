//! The database is away: every call says so in words a program can act on, nothing is left half-done, and
//! when it is back all goes on by itself.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, StatusCode, header};
use reqwest::Response;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::auth::password;
use crate::testing::eventually;
use crate::testing::house::House;
use crate::testing::wire::{Loss, Wire};
use crate::web::{self, Rooms};

const NOTIFICATIONS: &str = "/api/v1/notifications";
const ACKS: &str = "/api/v1/acks";
const PUNCHES: &str = "/api/v1/punches";
const REQUESTS: &str = "/api/v1/requests";

async fn send(house: &House, path: &str, token: &str, body: &Value) -> Response {
    let ask = house.http.post(house.url(path)).bearer_auth(token);
    ask.json(body).send().await.unwrap()
}

fn notification(key: Option<&str>) -> Value {
    let mut body = json!({"kind": "NewTask", "title": "after all", "audience": {"users": ["u1"]}});
    if let Some(key) = key {
        body["idempotency_key"] = json!(key);
    }
    body
}

fn ack(id: &str) -> Value {
    json!({"ids": [id], "device": "tablet"})
}

fn punch(house: &House) -> Value {
    let at = house.product.parts.clock.now().to_string();
    json!({"user": "u1", "device": "Gate", "at": at, "direction": "in", "source_id": "1"})
}

fn request() -> Value {
    json!({"kind": "leave", "subject": "A week", "requester": "u2", "approvers": ["u1"],
           "source_id": "1"})
}

/// The problem says what to do, in the head and in the body.
async fn assert_away(answer: Response, what: &str) {
    assert_eq!(answer.status().as_u16(), 503, "{what}: {answer:?}");
    let head = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(head("content-type"), "application/problem+json", "{what}");
    assert_eq!(head("retry-after"), "2", "{what}");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["status"], 503, "{what}: {body}");
    assert_eq!(body["code"], "database_unavailable", "{what}: {body}");
}

/// How many rows there are of what the calls write, by a way that is not cut.
async fn stored(house: &House) -> [i64; 8] {
    let counts: Vec<i64> = sqlx::query_scalar(
        "SELECT count(*) FROM bellhop.notification UNION ALL
         SELECT count(*) FROM bellhop.delivery UNION ALL
         SELECT coalesce(sum(last_seq), 0)::bigint FROM bellhop.user_stream UNION ALL
         SELECT count(*) FROM bellhop.idempotency UNION ALL
         SELECT count(*) FROM bellhop.ack UNION ALL
         SELECT count(*) FROM bellhop.punch_raw UNION ALL
         SELECT count(*) FROM bellhop.attendance_day UNION ALL
         SELECT count(*) FROM bellhop.request",
    )
    .fetch_all(&house.pool)
    .await
    .unwrap();
    counts.try_into().unwrap()
}

/// The screens, with the cookie of somebody signed in.
struct Browser {
    router: Router,
    cookie: String,
}

impl Browser {
    async fn open(house: &House) -> Self {
        let hash = password::hash_blocking("correct horse battery").unwrap();
        sqlx::query(
            "UPDATE bellhop.user_account SET login = 'u1@a.example', password_hash = $2 WHERE id = $1",
        )
        .bind(house.id_of("a", "u1").await)
        .bind(hash)
        .execute(&house.pool)
        .await
        .unwrap();
        let rooms = Rooms::new(house.product.clone(), Vec::new());
        let screens = web::screens(&house.product, Arc::new(rooms), false).unwrap();
        let mut browser = Self {
            router: house.product.site(screens),
            cookie: String::new(),
        };
        let form = "login=u1%40a.example&password=correct+horse+battery";
        let sign_in = Request::post("/sign-in")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        let answer = browser.send(sign_in.body(Body::from(form)).unwrap()).await;
        let set = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        set.split(';')
            .next()
            .unwrap()
            .clone_into(&mut browser.cookie);
        browser
    }

    async fn send(&self, mut request: Request<Body>) -> axum::response::Response {
        let peer = SocketAddr::from(([192, 0, 2, 1], 4000));
        request.extensions_mut().insert(ConnectInfo(peer));
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn inbox(&self) -> axum::response::Response {
        let ask = Request::get("/inbox")
            .header(header::COOKIE, &self.cookie)
            .header(header::ACCEPT, "text/html");
        self.send(ask.body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn while_the_database_is_away_it_is_503_and_afterwards_all_goes_on() {
    let (house, wire) = House::open_wired().await;
    let browser = Browser::open(&house).await;
    assert_eq!(browser.inbox().await.status(), StatusCode::OK);
    let mut phone = house.connect("device=phone").await;
    phone.call("AcknowledgeMany", json!([[]])).await.unwrap();
    let id = house.publish("a", "before").await;
    assert_eq!(phone.titles(1).await, ["before"]);
    // One who is known by now, and one who is not.
    let (service, stranger) = (house.service("a"), house.service("b"));
    let user = house.user("a", "u1");
    let before = stored(&house).await;

    wire.cut();
    for round in 1..=2 {
        for (path, token, body) in [
            (NOTIFICATIONS, &service, notification(None)),
            (NOTIFICATIONS, &service, notification(Some("once"))),
            (NOTIFICATIONS, &stranger, notification(None)),
            (ACKS, &user, ack(&id)),
            (PUNCHES, &service, punch(&house)),
            (REQUESTS, &service, request()),
        ] {
            let answer = send(&house, path, token, &body).await;
            assert_away(answer, &format!("{path}, round {round}")).await;
        }
        let read = house.url(&format!("{NOTIFICATIONS}/{id}"));
        let read = house.http.get(read).bearer_auth(&service).send().await;
        assert_away(read.unwrap(), "reading").await;
        let ready = house.http.get(house.url("/health/ready")).send().await;
        assert_away(ready.unwrap(), "being ready").await;
        let live = house.http.get(house.url("/health/live")).send().await;
        assert_eq!(live.unwrap().status(), 200, "no reason to restart it");

        let page = browser.inbox().await;
        assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(page.headers()[header::RETRY_AFTER], "2");
        let kind = page.headers()[header::CONTENT_TYPE].to_str().unwrap();
        assert!(kind.starts_with("text/html"), "{kind}");
    }
    let called = phone.call("AcknowledgeNotification", json!([id])).await;
    assert!(called.is_err(), "{called:?}");
    assert_eq!(stored(&house).await, before, "nothing was stored");

    wire.mend();
    // Connections that broke unseen are found out one by one.
    let once = notification(Some("once"));
    let mut answer = send(&house, NOTIFICATIONS, &service, &once).await;
    for _ in 0..20 {
        if answer.status().as_u16() == 202 {
            break;
        }
        assert_away(answer, "a connection from before").await;
        answer = send(&house, NOTIFICATIONS, &service, &once).await;
    }
    assert_eq!(answer.status().as_u16(), 202, "{answer:?}");
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["duplicate"], false, "the key was not used up");
    assert_eq!(phone.titles(1).await, ["after all"], "on a line of before");
    for (path, token, body, status) in [
        (ACKS, &user, ack(&id), 200),
        (PUNCHES, &service, punch(&house), 201),
        (REQUESTS, &service, request(), 201),
    ] {
        eventually(|| async {
            let answer = send(&house, path, token, &body).await;
            let now = answer.status().as_u16();
            assert!([status, 503].contains(&now), "{path}: {answer:?}");
            now == status
        })
        .await;
    }
    eventually(async || browser.inbox().await.status() == StatusCode::OK).await;
    // What the request says to its approver, and once what was sent again and again.
    assert_eq!(phone.titles(1).await.len(), 1);
    phone.expect_nothing().await;
    let [
        notifications,
        deliveries,
        seqs,
        keys,
        acks,
        punches,
        days,
        requests,
    ] = stored(&house).await;
    assert_eq!((notifications, deliveries, seqs), (3, 3, 3));
    assert_eq!((keys, acks, punches, days, requests), (1, 1, 1, 1, 1));
}

/// What a call had written goes with its connection, and the caller who says it again is served as if it were new.
#[tokio::test]
async fn what_lost_its_commit_leaves_nothing_behind() {
    let (house, wire) = House::open_wired().await;
    let service = house.service("a");
    for (path, body, mark) in [
        (PUNCHES, punch(&house), "Gate"),
        (REQUESTS, request(), "A week"),
    ] {
        let before = stored(&house).await;
        assert_lost(&house, &wire, Loss::Request, (path, &body, mark)).await;
        assert_eq!(stored(&house).await, before, "{path}");
        let again = send(&house, path, &service, &body).await;
        assert_eq!(again.status().as_u16(), 201, "{path}: not there before");
    }
}

/// It was committed, and nobody knows: whoever says it again under the same id learns that it is there.
#[tokio::test]
async fn what_was_committed_unseen_is_known_when_it_is_said_again() {
    let (house, wire) = House::open_wired().await;
    let service = house.service("a");
    for (path, body, mark) in [
        (PUNCHES, punch(&house), "Gate"),
        (REQUESTS, request(), "A week"),
    ] {
        assert_lost(&house, &wire, Loss::Answer, (path, &body, mark)).await;
        let once = stored(&house).await;
        let again = send(&house, path, &service, &body).await;
        assert_eq!(again.status().as_u16(), 200, "{path}");
        let again: Value = again.json().await.unwrap();
        assert_eq!(again["duplicate"], true, "{path}: {again}");
        assert_eq!(stored(&house).await, once, "{path}");
    }
    let [.., punches, days, requests] = stored(&house).await;
    assert_eq!((punches, days, requests), (1, 1, 1));
}

/// The wire loses the commit of a call that says `mark`, or the answer to it.
async fn assert_lost(
    house: &House,
    wire: &Wire,
    loss: Loss,
    (path, body, mark): (&str, &Value, &'static str),
) {
    wire.lose(loss, mark, "COMMIT");
    let service = house.service("a");
    let (answer, ()) = tokio::join!(send(house, path, &service, body), wire.lost());
    assert_away(answer, path).await;
}
