//! Endpoints come from strangers: where the server lets itself be sent.

use serde_json::json;

use super::message;
use super::stage::Stage;
use crate::push::{Extent, Outcome, Provider as _, Target};

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stage = Stage::new().await;
    let victim = stage.browser("mozilla").await;
    let device = stage.browser("mozilla").await;
    let elsewhere = format!("/push/{}", victim.id);
    for status in [301, 302, 307, 308] {
        let step = json!([{"status": status, "headers": {"location": elsewhere}}]);
        stage.script(&device, step).await;
        let before = stage.count("sends").await;
        let report = stage.send(&device).await;
        assert!(matches!(&report.outcome, Outcome::Refused(why) if why.contains("redirect")));
        assert_eq!(stage.count("sends").await - before, 1);
    }
}

/// The name is allowed and leads into the house: what a rebinding attack amounts to.
#[tokio::test]
async fn a_listed_name_with_a_private_address_is_not_written_to() {
    let stage = Stage::new().await;
    let device = stage.browser("chrome").await;
    let strict = stage.pusher_with("--push-hosts=localhost").err().unwrap();
    assert!(
        format!("{strict:#}").contains("token_uri"),
        "no stand-ins in production: {strict:#}"
    );

    let hosts = ["localhost".parse().unwrap()];
    let hosts = crate::push::AllowedHosts::new(&hosts, false);
    let port = stage.address.port();
    let endpoint = format!("https://localhost:{port}/push/{}", device.id);
    let mut subscription: serde_json::Value = serde_json::from_str(&device.registration).unwrap();
    subscription["endpoint"] = endpoint.into();
    let target = Target::parse("webpush", &subscription.to_string(), &hosts).unwrap();

    let web = stage.web_push_of_production();
    let before = stage.count("connections").await;
    let report = web.send(&target, &message()).await;
    let Outcome::Refused(why) = &report.outcome else {
        panic!("{report:?}");
    };
    assert!(why.contains("no public address"), "{why}");
    assert_eq!((report.extent, report.status), (Extent::Device, None));
    assert_eq!(
        stage.count("connections").await,
        before,
        "not even a connection"
    );
}

#[tokio::test]
async fn stand_ins_are_registered_only_with_the_switch() {
    let stage = Stage::new().await;
    let device = stage.browser("apple").await;
    let hosts = crate::push::AllowedHosts::default();
    let refused = Target::parse("webpush", &device.registration, &hosts).unwrap_err();
    assert!(refused.to_string().starts_with("endpoint: "), "{refused}");
}
