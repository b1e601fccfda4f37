//! People as the screens show them.

use serde::{Deserialize, Serialize};

/// What somebody may do in Bellhop's own screens. Roles add up; `Admin` does not imply `Hr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everybody: own inbox, own requests.
    Employee,
    /// Decides what their people ask for.
    Manager,
    /// Sees the attendance board of the whole tenant.
    Hr,
    /// Sees connections, groups and queued messages, and may disconnect.
    Admin,
}

impl Role {
    /// The word used in tokens, in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Employee => "employee",
            Self::Manager => "manager",
            Self::Hr => "hr",
            Self::Admin => "admin",
        }
    }

    /// The word for people, as the screens write it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Employee => "Employee",
            Self::Manager => "Manager",
            Self::Hr => "HR",
            Self::Admin => "Administrator",
        }
    }

    /// Reads the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Employee, Self::Manager, Self::Hr, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == word)
    }
}

/// Somebody, as a row or a card names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The customer's own id of the user.
    pub user: String,
    /// Display name.
    pub name: String,
    /// Name of the (first) department, empty when there is none.
    pub department: String,
}

impl Person {
    /// Up to two capitals for the avatar: first letters of the first and the last word.
    #[must_use]
    pub fn initials(&self) -> String {
        initials(&self.name)
    }
}

/// Up to two capitals of a name.
#[must_use]
pub fn initials(name: &str) -> String {
    let mut words = name
        .split_whitespace()
        .filter_map(|word| word.chars().next());
    let first = words.next();
    first
        .into_iter()
        .chain(words.next_back())
        .flat_map(char::to_uppercase)
        .collect()
}

/// Who is signed in on these screens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// The person.
    pub person: Person,
    /// Outer id of the tenant.
    pub tenant: String,
    /// Display name of the tenant.
    pub tenant_name: String,
    /// Sorted, without doubles.
    pub roles: Vec<Role>,
    /// What their pages need to know of the server.
    pub site: Site,
}

/// The server, as its pages know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// What a browser's `applicationServerKey` has to be, base64url; `None` where browsers are not pushed to.
    pub push_key: Option<String>,
    /// Where the demo's phones show what they got; only beside demo data.
    pub phones: Option<String>,
}

impl Me {
    /// Names tenant and user, for what a browser keeps for them.
    #[must_use]
    pub fn scope(&self) -> String {
        format!("{}/{}", self.tenant, self.person.user)
    }

    /// Has this role?
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// A button on the sign-in page while demo data is loaded and the server listens on loopback only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoLogin {
    /// What is typed into "name".
    pub login: String,
    /// The random password of this data folder.
    pub password: String,
    /// Display name.
    pub name: String,
    /// "HR", "Manager of Finance", …
    pub what: String,
}

/// What the page needs to open its hub connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubToken {
    /// Path of the hub on this site, `/hubs/workflow`.
    pub hub: String,
    /// Bearer token, audience hub, bound to the session.
    pub token: String,
    /// Seconds until it expires.
    pub expires_in_s: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_a_word_for_programs_and_one_for_people() {
        let roles = [Role::Employee, Role::Manager, Role::Hr, Role::Admin];
        assert!(
            roles
                .iter()
                .all(|role| Role::parse(role.as_str()) == Some(*role))
        );
        assert_eq!(
            roles.map(Role::label),
            ["Employee", "Manager", "HR", "Administrator"]
        );
    }

    #[test]
    fn initials_take_first_and_last_word() {
        assert_eq!(initials("Siobhán Ní Dhomhnaill"), "SD");
        assert_eq!(initials("Øyvind"), "Ø");
        assert_eq!(initials(""), "");
        assert_eq!(initials("ßigmund ærlig"), "SSÆ");
    }
}
