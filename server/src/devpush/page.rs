//! `/`: what arrived, as the devices would show it. Plain HTML; a few lines of script ask again every two seconds.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State as From_;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use http::header;
use jiff::Timestamp;

use super::app::Touch;
use super::card::Card;
use super::device::{Device, Kind};
use super::state::State;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

pub(super) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/", get(page))
        .route("/page.css", get(style))
        .route("/page.js", get(script))
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

async fn script() -> Response {
    (
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
        SCRIPT,
    )
        .into_response()
}

async fn page(From_(state): From_<Arc<State>>) -> Response {
    let mut html = String::from(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width\"><title>Devices</title>\
         <link rel=stylesheet href=/page.css><script src=/page.js defer></script><main><h1>Devices \
         <small>stand-ins: nothing here leaves this machine</small></h1>",
    );
    {
        let held = state.held.lock();
        if held.devices.is_empty() {
            html.push_str(
                "<p class=empty>No device yet. What the program registers with <code>POST \
                 /devices</code> appears here, with the cards that pushes draw on it.</p>",
            );
        }
        html.push_str("<div id=devices>");
        let now = state.now();
        for device in held.devices.values().rev() {
            draw(&mut html, device, now);
        }
    }
    html.push_str("</div></main></html>");
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}

/// Writing to a String cannot fail.
fn put(html: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = html.write_fmt(text);
}

fn draw(html: &mut String, device: &Device, now: Timestamp) {
    let what = match &device.kind {
        Kind::Phone { .. } => "phone, FCM".to_owned(),
        Kind::Browser { browser, .. } => format!("browser, {browser:?}"),
    };
    put(
        html,
        format_args!(
            "<section><header><b>{}</b><span>{what}</span>",
            escaped(&device.name)
        ),
    );
    if let Some(badge) = device.badge.filter(|badge| *badge > 0) {
        put(
            html,
            format_args!("<i class=badge title=\"unread\">{badge}</i>"),
        );
    }
    html.push_str("</header>");
    if device.gone {
        html.push_str("<p class=bad>&#9632; uninstalled: sends are answered with “gone”</p>");
    }
    if device.revoked {
        html.push_str(
            "<p class=bad>&#9632; revoked: too many pushes showed nothing, and nobody was told</p>",
        );
    }
    if let Some(trouble) = &device.trouble {
        put(
            html,
            format_args!("<p class=bad>&#9632; {}</p>", escaped(trouble)),
        );
    }
    html.push_str("<ol>");
    for card in device.screen.all().rev() {
        draw_card(html, device, card, now);
    }
    html.push_str("</ol>");
    if device.screen.shown().next().is_none() {
        html.push_str("<p class=quiet>Nothing on the screen</p>");
    }
    let late = device.received.iter().filter(|push| push.late).count();
    put(
        html,
        format_args!(
            "<footer>{} received{}</footer></section>",
            device.received.len(),
            match late {
                0 => String::new(),
                late => format!(", {late} late: over the budget of collapsible ones"),
            }
        ),
    );
}

fn draw_card(html: &mut String, device: &Device, card: &Card, now: Timestamp) {
    let (class, word) = match (card.withdrawn, card.settled, card.high) {
        (Some(_), _, _) => match card.touched {
            Some(Touch::Tap) => ("gone", "opened"),
            Some(Touch::Dismiss) => ("gone", "dismissed"),
            None => ("gone", "withdrawn"),
        },
        (None, true, _) => ("settled", "settled"),
        (None, false, true) => ("high", "urgent, shown"),
        (None, false, false) => ("plain", "shown"),
    };
    let at = card.withdrawn.unwrap_or(card.drawn);
    let ago = (now.as_second() - at.as_second()).max(0);
    put(
        html,
        format_args!(
            "<li class={class}><h2>{}</h2><p>{}</p><small>{word} {} ago{}{}</small>",
            if card.title.is_empty() {
                "(no title)".to_owned()
            } else {
                escaped(&card.title)
            },
            escaped(&card.body),
            age(ago),
            match card.replaced {
                0 => String::new(),
                count => format!(", replaced {count}\u{d7}"),
            },
            card.link
                .as_deref()
                .map_or_else(String::new, |link| format!(", opens {}", escaped(link))),
        ),
    );
    if card.withdrawn.is_none() && !card.settled {
        draw_buttons(html, device, card);
    }
    html.push_str("</li>");
}

/// Forms, so that the page needs no script.
fn draw_buttons(html: &mut String, device: &Device, card: &Card) {
    let (id, tag) = (escaped(&device.id), escaped(&card.tag));
    let title = escaped(&card.title);
    html.push_str("<div class=acts>");
    for (path, word) in [("tap", "Open"), ("dismiss", "Dismiss")] {
        put(
            html,
            format_args!(
                "<form method=post action=\"/devices/{id}/cards/{tag}/{path}\"><button aria-label=\"{word}: \
                 {title}\">{word}</button></form>"
            ),
        );
    }
    html.push_str("</div>");
}

fn age(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
