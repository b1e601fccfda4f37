//! How long until a page's first byte comes, signed in, warm: the server renders it whole, so this is
//! reading and rendering.

use anyhow::{Context as _, Result, bail};
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::client::Http;
use crate::product::{Login, Product, Setup};
use crate::twins::http::Twin;
use benches::samples::Samples;
use benches::table::{Row, Section};

const WARM: usize = 10;
const COUNT: usize = 50;

/// Each page, and the role that may see it; "" is nobody.
const PAGES: [(&str, &str); 8] = [
    ("/sign-in", ""),
    ("/approvals", "manager"),
    ("/attendance", "hr"),
    ("/inbox", "manager"),
    ("/admin", "admin"),
    ("/admin/connections", "admin"),
    ("/admin/groups", "admin"),
    ("/admin/queued", "admin"),
];

struct Seen {
    first: Samples,
    whole: Samples,
    bytes: usize,
}

pub(crate) async fn rows(setup: &Setup) -> Result<Section> {
    let product = setup.start().await?;
    let mut section = Section {
        title: "Time to first byte of pages",
        rows: Vec::new(),
        notes: vec![format!(
            "{COUNT} requests one after the other, after {WARM} to warm up, brotli accepted as by browsers"
        )],
    };
    let mut largest = 0;
    let mut slowest = 0.0_f64;
    for (path, role) in PAGES {
        let mut http = browser(&product, role).await?;
        let mut seen = measure(&mut http, path)
            .await
            .with_context(|| path.to_owned())?;
        let p50 = seen.first.p50();
        section
            .rows
            .push(Row::new(format!("{path}, p50"), p50, "ms").at_most(20.0));
        let p99 = seen.first.p99();
        section.rows.push(Row::new("p99", p99, "ms"));
        section.notes.push(format!(
            "{path}: {} bytes on the wire, last byte p50 {:.2} ms",
            seen.bytes,
            seen.whole.p50()
        ));
        largest = largest.max(seen.bytes);
        slowest = slowest.max(p50);
    }
    product.stop()?;
    let twin = Twin::start()?;
    let mut http = Http::open(twin.address, HeaderMap::new()).await?;
    let mut bare = measure(&mut http, &format!("/page/{largest}")).await?;
    let what = format!("axum, {largest} bytes of text, p50 (ratio of the slowest page)");
    section
        .rows
        .push(Row::twin(what, bare.first.p50(), "ms", slowest));
    section
        .rows
        .push(Row::new("*twin's p99*", bare.first.p99(), "ms"));
    Ok(section)
}

/// A connection as a browser's, signed in as somebody with this role.
async fn browser(product: &Product, role: &str) -> Result<Http> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("text/html"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, br"));
    if !role.is_empty() {
        let login = product.ready.logins.iter();
        let login = login
            .into_iter()
            .find(|login| login.roles.iter().any(|has| has == role))
            .with_context(|| format!("no demo login has the role {role}"))?;
        let cookie = sign_in(product, login, headers.clone()).await?;
        headers.insert(COOKIE, cookie);
    }
    Http::open(product.address, headers).await
}

async fn sign_in(product: &Product, login: &Login, headers: HeaderMap) -> Result<HeaderValue> {
    let mut http = Http::open(product.address, headers).await?;
    // Neither name nor password holds what a form would have to escape but the @.
    let form = format!(
        "login={}&password={}&next=/",
        login.name.replace('@', "%40"),
        login.password
    );
    let kind = Some("application/x-www-form-urlencoded");
    let answer = http.send(Method::POST, "/sign-in", kind, form).await?;
    if answer.headers.get(LOCATION).is_none_or(|to| to != "/") {
        bail!("{} could not sign in: {}", login.name, answer.status);
    }
    let cookie = answer.headers.get(SET_COOKIE).context("no cookie")?;
    let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
    Ok(pair.parse()?)
}

async fn measure(http: &mut Http, path: &str) -> Result<Seen> {
    let mut seen = Seen {
        first: Samples::default(),
        whole: Samples::default(),
        bytes: 0,
    };
    for number in 0..WARM + COUNT {
        let answer = http.get(path).await?;
        // A redirect would be fast, and not the page.
        if answer.status != StatusCode::OK {
            bail!("answered {}", answer.status);
        }
        if number >= WARM {
            seen.first.add(answer.first_byte);
            seen.whole.add(answer.whole);
            seen.bytes = answer.body.len();
        }
    }
    Ok(seen)
}
