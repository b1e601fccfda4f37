//! `/admin/why`: one notification and one user, what happened and what comes next.

use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_query_map};

use super::Sections;
use super::server_fns::why;
use crate::components::badge::{Badge, Dot, Tone};
use crate::components::empty::Empty;
use crate::components::icon::Glyph;
use crate::components::number::grouped;
use crate::components::problem::{Problem, StaleStrip, use_dim};
use crate::components::skeleton::Skeleton;
use crate::components::time::{Shape, Time};
use crate::features::sign_in::escape;
use crate::live::follow::{Plan, follow};
use crate::model::Moment;
use crate::model::why::{Answer, Device, Event, Hit, Why};
use crate::protocol::topic;

const PATH: &str = "/admin/why";
const PACE_MS: u64 = 1_000;

/// Address of the page for these; either may be empty.
#[must_use]
pub fn address(notification: &str, user: &str) -> String {
    let parts = [("notification", notification), ("user", user)];
    let query: Vec<String> = parts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", escape(value)))
        .collect();
    if query.is_empty() {
        PATH.to_owned()
    } else {
        format!("{PATH}?{}", query.join("&"))
    }
}

/// The page.
#[component]
pub fn WhyPage() -> impl IntoView {
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        let query = query.read();
        (
            query.get("notification").unwrap_or_default(),
            query.get("user").unwrap_or_default(),
        )
    });
    let snapshot = Resource::new_blocking(
        move || asked.get(),
        move |(notification, user)| why(notification, user),
    );
    view! {
        <Sections />
        <AskBar asked />
        <Transition fallback=|| {
            view! { <Skeleton rows=8 /> }
        }>
            {move || Suspend::new(async move {
                match snapshot.await {
                    Ok(answer) => shown(answer),
                    Err(error) => {
                        let retry = Callback::new(move |()| snapshot.refetch());
                        view! { <Problem error retry /> }.into_any()
                    }
                }
            })}
        </Transition>
    }
    .into_any()
}

fn shown(answer: Answer) -> AnyView {
    match answer {
        Answer::Ask => view! {
            <Empty
                glyph=Glyph::Search
                title="Why did somebody get it, or not?".to_owned()
                text="Give a notification's id, a user's id, or both. The lists of messages and of the undelivered lead here too."
                    .to_owned()
            />
        }
        .into_any(),
        Answer::Unknown(text) => {
            view! { <Empty glyph=Glyph::Search title="Not found".to_owned() text=text /> }.into_any()
        }
        Answer::Recipients { title, rows, .. } => {
            view! { <Hits title=format!("Recipients of “{title}”") of="Recipient" rows /> }.into_any()
        }
        Answer::Latest { name, rows, .. } => {
            view! { <Hits title=format!("Latest for {name}") of="Message" rows /> }.into_any()
        }
        Answer::One(first) => view! { <Explained first=*first /> }.into_any(),
    }
}

/// A plain GET form, so it works without script.
#[component]
fn AskBar(asked: Memo<(String, String)>) -> impl IntoView {
    let navigate = use_navigate();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let form = event_target::<leptos::web_sys::HtmlFormElement>(&event);
        let data = leptos::web_sys::FormData::new_with_form(&form).ok();
        let typed = |name: &str| {
            let value = data.as_ref().and_then(|data| data.get(name).as_string());
            value.unwrap_or_default().trim().to_owned()
        };
        navigate(
            &address(&typed("notification"), &typed("user")),
            leptos_router::NavigateOptions::default(),
        );
    };
    view! {
        <form class="bar ask" method="get" action=PATH role="search" on:submit=submit>
            <label class="query grow">
                <span class="vh">"Notification id"</span>
                <input
                    name="notification"
                    placeholder="Notification id"
                    autocomplete="off"
                    spellcheck="false"
                    value=asked.get_untracked().0
                    prop:value=move || asked.get().0
                />
            </label>
            <label class="query grow">
                <span class="vh">"User id"</span>
                <input
                    name="user"
                    placeholder="User id"
                    autocomplete="off"
                    spellcheck="false"
                    value=asked.get_untracked().1
                    prop:value=move || asked.get().1
                />
            </label>
            <button type="submit" class="btn">
                "Explain"
            </button>
        </form>
    }
    .into_any()
}

#[component]
fn Hits(title: String, of: &'static str, rows: Vec<Hit>) -> impl IntoView {
    if rows.is_empty() {
        let text = "Nothing within the last 31 days.".to_owned();
        return view! { <Empty glyph=Glyph::Mail title text /> }.into_any();
    }
    view! {
        <div class="tablewrap" tabindex="0" role="region" aria-label=title.clone()>
            <table class="two-lines">
                <caption class="hits">{title.clone()}</caption>
                <thead>
                    <tr>
                        <th scope="col">{of}</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="num">"Routed"</th>
                    </tr>
                </thead>
                <tbody>
                    {rows
                        .into_iter()
                        .map(|hit| {
                            let (tone, word) = of_state(&hit.state);
                            view! {
                                <tr>
                                    <th scope="row" class="fill">
                                        <a class="cut" href=address(&hit.notification, &hit.user)>
                                            {hit.label}
                                        </a>
                                        <span class="sub cut mono">{hit.note}</span>
                                    </th>
                                    <td>
                                        <Badge
                                            tone=Signal::stored(tone)
                                            word=Signal::stored(word)
                                            even=true
                                        />
                                    </td>
                                    <td class="num muted">
                                        <Time at=Signal::stored(hit.at) shape=Shape::Stamp />
                                    </td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Explained(first: Why) -> impl IntoView {
    let (id, user) = (first.notification.clone(), first.user.clone());
    let as_of = first.as_of;
    let now = RwSignal::new(first);
    let list = follow(Plan {
        topic: topic::ADMIN_QUEUED.to_owned(),
        as_of,
        pace: PACE_MS,
        fetch: Box::new(move || why(id.clone(), user.clone())),
        take: Callback::new(move |answer| {
            if let Answer::One(why) = answer {
                now.set(*why);
            }
        }),
        apply: Callback::new(|_| {}),
    });
    let dim = use_dim(list);
    view! {
        <StaleStrip list />
        <div
            class="tablewrap"
            id="why"
            class:dim=dim
            tabindex="0"
            role="region"
            aria-label="Explanation"
        >
            {move || {
                let why = now.get();
                view! {
                    <Head why=why.clone() />
                    <div class="exgrid">
                        <section class="pad" aria-labelledby="h-past">
                            <div class="hrow">
                                <h2 id="h-past">"What happened"</h2>
                                <span class="faint small">"Time since it was accepted"</span>
                            </div>
                            <Past events=why.timeline.clone() from=why.accepted_at />
                        </section>
                        <div class="pad side">
                            <Next why=why.clone() />
                            <Facts why=why.clone() />
                        </div>
                    </div>
                    <Devices devices=why.devices />
                }
            }}
        </div>
    }
    .into_any()
}

#[component]
fn Head(why: Why) -> impl IntoView {
    let badge = (!why.state.is_empty()).then(|| {
        let (tone, word) = of_state(&why.state);
        view! { <Badge tone=Signal::stored(tone) word=Signal::stored(word) /> }
    });
    let who = if why.name.is_empty() {
        why.user.clone()
    } else {
        format!("{} ({})", why.name, why.user)
    };
    let online = if why.online { "online" } else { "offline" };
    view! {
        <header class="exhead">
            <p class="meta">
                <span class="mono" title=why.notification.clone()>
                    {why.notification.clone()}
                </span>
                {badge}
                <span class="mono faint">{why.kind}</span>
            </p>
            <h2>{why.title}</h2>
            <p class="meta wide">
                <span>"For " {who} ", " {online}</span>
            </p>
            <p class="verdict">{why.verdict}</p>
        </header>
    }
    .into_any()
}

#[component]
fn Past(events: Vec<Event>, from: Moment) -> impl IntoView {
    view! {
        <ol class="tl">
            {events
                .into_iter()
                .map(|event| {
                    let tone = of_event(&event.what);
                    view! {
                        <li>
                            <span class="off num">{offset(event.at.since(from))}</span>
                            <Dot tone=Signal::stored(tone) />
                            <span class="what">{event.text}</span>
                            <span class="faint num">
                                <Time at=Signal::stored(event.at) shape=Shape::Stamp />
                            </span>
                        </li>
                    }
                })
                .collect_view()}
        </ol>
    }
    .into_any()
}

#[component]
fn Next(why: Why) -> impl IntoView {
    let from = why.accepted_at;
    let steps = if why.next.is_empty() {
        view! { <p class="muted">{why.what_next}</p> }.into_any()
    } else {
        view! {
            <p class="muted small">"If nobody acknowledges it:"</p>
            <ol class="next">
                {why
                    .next
                    .into_iter()
                    .map(|step| {
                        view! {
                            <li>
                                <span class="faint">
                                    {offset(step.at.since(from))}
                                    <span class="sub">
                                        <Time at=Signal::stored(step.at) shape=Shape::Stamp />
                                    </span>
                                </span>
                                <span>{step.text}</span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
        }
        .into_any()
    };
    view! {
        <section class="sec" aria-labelledby="h-next">
            <h3 id="h-next">"What happens next"</h3>
            {steps}
        </section>
    }
    .into_any()
}

#[component]
fn Facts(why: Why) -> impl IntoView {
    let again = why.sent_again.map(|by| {
        let href = address(&by, &why.user);
        view! {
            <div>
                <dt>"Sent again"</dt>
                <dd>
                    <a class="link" href=href>
                        "as another message"
                    </a>
                </dd>
            </div>
        }
    });
    let number = why
        .seq
        .map_or_else(|| "none".to_owned(), |seq| seq.to_string());
    let pairs = [
        ("Number", number),
        ("Class", why.class),
        ("Rule", why.rule),
        ("Audience", why.audience),
        ("Recipients", grouped(why.recipients)),
        ("From", format!("{}, {}", why.service, why.publisher)),
    ];
    view! {
        <section class="sec" aria-labelledby="h-facts">
            <h3 id="h-facts">"Facts"</h3>
            <dl class="pairs">
                {pairs
                    .into_iter()
                    .filter(|(_, value)| !value.is_empty())
                    .map(|(label, value)| {
                        view! {
                            <div>
                                <dt>{label}</dt>
                                <dd>{value}</dd>
                            </div>
                        }
                    })
                    .collect_view()}
                <div>
                    <dt>"Expires"</dt>
                    <dd>
                        <Time at=Signal::stored(why.expires_at) shape=Shape::Stamp />
                    </dd>
                </div>
                {again}
            </dl>
        </section>
    }
    .into_any()
}

#[component]
fn Devices(devices: Vec<Device>) -> impl IntoView {
    if devices.is_empty() {
        return view! { <p class="pad muted">"No device of this user has connected yet."</p> }
            .into_any();
    }
    view! {
        <section class="exdev" aria-labelledby="h-devices">
            <h2 id="h-devices">"Devices"</h2>
            <table class="compact">
                <caption class="vh">"The user's devices and whether each has it"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Device"</th>
                        <th scope="col" class="hide-phone">"Client"</th>
                        <th scope="col" class="hide-phone">"Acknowledges"</th>
                        <th scope="col">"Has it"</th>
                        <th scope="col" class="num">"Last seen"</th>
                    </tr>
                </thead>
                <tbody>
                    {devices
                        .into_iter()
                        .map(|device| view! { <DeviceLine device /> })
                        .collect_view()}
                </tbody>
            </table>
        </section>
    }
    .into_any()
}

#[component]
fn DeviceLine(device: Device) -> impl IntoView {
    let (tone, word) = match device.has.as_str() {
        "acked" => (Tone::Ok, "Acked"),
        "read" => (Tone::Ok, "Read"),
        "passed" => (Tone::Rest, "Not needed"),
        "no" => (Tone::Warn, "No"),
        _ => (Tone::Unknown, "Push only"),
    };
    let full = if device.agent.is_empty() {
        device.note.clone()
    } else {
        device.agent
    };
    view! {
        <tr>
            <th scope="row" class="mono">{device.name}</th>
            <td class="fill muted hide-phone">
                <span class="cut" title=full>
                    {device.note}
                </span>
            </td>
            <td class="muted hide-phone">{device.ack_mode}</td>
            <td>
                <Badge tone=Signal::stored(tone) word=Signal::stored(word) even=true />
            </td>
            <td class="num muted">
                {device
                    .last_seen_at
                    .map(|at| view! { <Time at=Signal::stored(at) shape=Shape::Ago /> })}
            </td>
        </tr>
    }
    .into_any()
}

/// A state's badge.
fn of_state(state: &str) -> (Tone, &'static str) {
    match state {
        "queued" => (Tone::Warn, "Queued"),
        "reached" => (Tone::Info, "Reached"),
        "acked" => (Tone::Ok, "Acked"),
        "expired" => (Tone::Rest, "Expired"),
        "cancelled" => (Tone::Rest, "Taken back"),
        _ => (Tone::Bad, "Given up"),
    }
}

/// The dot of something that happened.
fn of_event(what: &str) -> Tone {
    match what {
        "acked" | "reached" | "seen" | "read" | "archived" => Tone::Ok,
        "push_failed" | "stand_in" => Tone::Warn,
        "dead" => Tone::Bad,
        "expired" | "cancelled" => Tone::Rest,
        _ => Tone::Info,
    }
}

/// `+38 ms`, `+2.4 s`, `+3 min`: how long after.
fn offset(milliseconds: i64) -> String {
    let milliseconds = milliseconds.max(0);
    match milliseconds {
        ..1_000 => format!("+{milliseconds} ms"),
        1_000..60_000 => format!("+{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
        // What ends after 14 days does so a few milliseconds earlier: that is not 13 days.
        _ => format!(
            "+{}",
            crate::components::words::short_span(milliseconds + 500)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_offsets() {
        assert_eq!(address("", ""), "/admin/why");
        assert_eq!(address("", "a b"), "/admin/why?user=a%20b");
        assert_eq!(address("1", "u"), "/admin/why?notification=1&user=u");
        assert_eq!(offset(-3), "+0 ms");
        assert_eq!(offset(999), "+999 ms");
        assert_eq!(offset(2_430), "+2.4 s");
        assert_eq!(offset(14 * 86_400_000 - 12), "+14 d");
    }
}
