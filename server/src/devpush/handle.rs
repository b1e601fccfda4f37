//! What the admin API does over HTTP, for whoever is in the same process: the demo, tests.

use std::collections::VecDeque;

use serde_json::Value;

use super::DevPush;
use super::app::App;
use super::device::{Browser, Kind};
use super::script::Step;

/// A device as its app would register it.
#[derive(Clone, Debug)]
pub struct Registered {
    pub id: String,
    /// "fcm" or "webpush".
    pub platform: &'static str,
    pub token_or_subscription: String,
}

impl DevPush {
    /// A phone with the app on it.
    ///
    /// # Panics
    /// Never: a phone needs no key.
    #[must_use]
    pub fn phone(&self, name: &str) -> Registered {
        self.add(name, |id| Some(Kind::phone(id, &self.0.ids)))
            .expect("a phone needs no key")
    }

    /// A browser that subscribed with this key; without one it takes the first that writes. `None`:
    /// the operating system gives no randomness.
    #[must_use]
    pub fn browser(
        &self,
        name: &str,
        browser: Browser,
        server_key: Option<&str>,
    ) -> Option<Registered> {
        let key = server_key.map(str::to_owned);
        self.add(name, |_| Kind::browser(browser, key, &self.0.ids))
    }

    /// Its app acknowledges what is tapped. `false`: no such device.
    pub fn install(&self, id: &str, app: App) -> bool {
        self.0.install(id, app)
    }

    /// What `GET /devices/{id}` answers: screen, badge, what was received.
    #[must_use]
    pub fn look(&self, id: &str) -> Option<Value> {
        self.0.held.lock().devices.get(id).map(super::admin::told)
    }

    /// What the device's next sends are answered, as `POST /devices/{id}/script` takes it. `false`: no
    /// such device.
    pub fn script(&self, id: &str, steps: Value) -> serde_json::Result<bool> {
        let steps: VecDeque<Step> = serde_json::from_value(steps)?;
        let mut held = self.0.held.lock();
        let device = held.devices.get_mut(id);
        Ok(device.map(|device| device.script = steps).is_some())
    }

    fn add(&self, name: &str, kind: impl FnOnce(&str) -> Option<Kind>) -> Option<Registered> {
        let id = self.0.add(Some(name.to_owned()), kind)?;
        let held = self.0.held.lock();
        let device = held.devices.get(&id)?;
        Some(Registered {
            platform: device.platform(),
            token_or_subscription: device.registration(self.0.address.port()),
            id: id.clone(),
        })
    }
}
