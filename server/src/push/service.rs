//! Whose push service an endpoint belongs to: they differ in what they tolerate.

/// Known by the endpoint's host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Chrome and other browsers on Google's service.
    Google,
    Mozilla,
    /// Revokes subscriptions whose pushes show nothing.
    Apple,
    /// Edge.
    Windows,
    Other,
}

impl Service {
    pub(super) const ALL: [Self; 5] = [
        Self::Google,
        Self::Mozilla,
        Self::Apple,
        Self::Windows,
        Self::Other,
    ];

    pub(super) fn of(host: &str) -> Self {
        let beneath = |parent: &str| {
            host.strip_suffix(parent)
                .is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        if beneath("googleapis.com") || beneath("google.com") {
            Self::Google
        } else if beneath("mozilla.com") {
            Self::Mozilla
        } else if beneath("apple.com") {
            Self::Apple
        } else if beneath("windows.com") {
            Self::Windows
        } else {
            Self::Other
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Mozilla => "mozilla",
            Self::Apple => "apple",
            Self::Windows => "windows",
            Self::Other => "other",
        }
    }
}
