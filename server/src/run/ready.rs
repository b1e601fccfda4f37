//! The ready file: what scripts and tests need to talk to a server that has just begun to serve.
//!
//! It holds secrets, so it is 0600 from its first byte; it is renamed into place, so whoever sees it
//! sees all of it; it is removed on stop, so whoever sees it can connect. With a database or keys of
//! one's own, keys and passwords are left null: a file of secrets is for development.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

/// What the file says.
#[derive(Debug, Serialize)]
pub struct Ready {
    /// Where the pages are, without a slash at the end.
    pub url: String,
    /// Where the hub is.
    pub hub: String,
    pub pid: u32,
    #[serde(serialize_with = "exposed")]
    pub database_url: Option<SecretString>,
    pub tenant: Option<String>,
    pub service: Option<String>,
    #[serde(serialize_with = "exposed")]
    pub api_key: Option<SecretString>,
    pub jwt: Option<Jwt>,
    /// Where the demo's phones show what they got.
    pub phones: Option<String>,
    pub logins: Vec<Login>,
}

impl Ready {
    /// Leaves out what proves who somebody is. That of the demo is on the terminal, and in the data folder. The address of
    /// the embedded database stays: nobody else knows it, and commands find it here.
    pub fn keep_secrets(&mut self) {
        self.api_key = None;
        if let Some(jwt) = &mut self.jwt {
            jwt.secret = None;
        }
        for login in &mut self.logins {
            login.password = None;
        }
    }
}

/// How to sign tokens that this server takes.
#[derive(Debug, Serialize)]
pub struct Jwt {
    pub alg: String,
    #[serde(serialize_with = "exposed")]
    pub secret: Option<SecretString>,
    pub iss: String,
    pub aud: String,
}

/// Somebody who can sign in.
#[derive(Debug, Serialize)]
pub struct Login {
    pub name: String,
    #[serde(serialize_with = "exposed")]
    pub password: Option<SecretString>,
    pub user: String,
    pub tenant: String,
    pub roles: Vec<String>,
}

#[expect(
    clippy::ref_option,
    reason = "serde calls it with a reference to the field"
)]
fn exposed<S: Serializer>(secret: &Option<SecretString>, to: S) -> Result<S::Ok, S::Error> {
    secret
        .as_ref()
        .map(ExposeSecret::expose_secret)
        .serialize(to)
}

/// The written file; removed when dropped.
#[derive(Debug)]
pub struct ReadyFile {
    path: PathBuf,
}

impl ReadyFile {
    pub fn write(path: &Path, ready: &Ready) -> anyhow::Result<Self> {
        let mut text = serde_json::to_string_pretty(ready)?;
        text.push('\n');
        place(path, &text).with_context(|| format!("cannot write --ready {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
        })
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

fn place(path: &Path, text: &str) -> std::io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}", std::process::id()));
    let aside = PathBuf::from(aside);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn ready() -> Ready {
        Ready {
            url: "http://127.0.0.1:7420".into(),
            hub: "http://127.0.0.1:7420/hubs/workflow".into(),
            pid: 7,
            database_url: Some("postgres://b:secret@127.0.0.1/b".to_owned().into()),
            tenant: None,
            service: None,
            api_key: None,
            jwt: None,
            phones: None,
            logins: Vec::new(),
        }
    }

    #[test]
    fn it_is_private_whole_and_gone_on_stop() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ready.json");
        fs::write(&path, "left by a killed run").unwrap();
        let file = ReadyFile::write(&path, &ready()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let said: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(said["database_url"], "postgres://b:secret@127.0.0.1/b");
        assert_eq!(said["api_key"], serde_json::Value::Null);
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left aside"
        );
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn with_a_database_or_keys_of_ones_own_no_key_or_password_is_in_it() {
        let secret = || Some(SecretString::from("secret"));
        let mut ready = Ready {
            tenant: Some("acme".to_owned()),
            api_key: secret(),
            jwt: Some(Jwt {
                alg: "HS256".to_owned(),
                secret: secret(),
                iss: "dev".to_owned(),
                aud: "bellhop".to_owned(),
            }),
            logins: vec![Login {
                name: "ada".to_owned(),
                password: secret(),
                user: "u-1".to_owned(),
                tenant: "acme".to_owned(),
                roles: Vec::new(),
            }],
            ..ready()
        };
        let before = serde_json::to_value(&ready).unwrap();
        ready.keep_secrets();
        let said = serde_json::to_value(&ready).unwrap();
        for field in ["/api_key", "/jwt/secret", "/logins/0/password"] {
            assert_eq!(
                before.pointer(field).map(serde_json::Value::is_string),
                Some(true)
            );
            assert_eq!(
                said.pointer(field),
                Some(&serde_json::Value::Null),
                "{field}"
            );
        }
        assert_eq!(
            (&said["tenant"], &said["logins"][0]["name"]),
            (&"acme".into(), &"ada".into())
        );
    }

    #[test]
    fn a_secret_is_in_no_debug_output() {
        assert!(!format!("{:?}", ready()).contains("secret@"));
    }
}
