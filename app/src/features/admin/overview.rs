//! `/admin`: numbers, and health in sentences.

use leptos::prelude::*;

use super::Sections;
use super::poll::{AsOf, Polled, poll};
use super::server_fns::load_overview;
use crate::components::badge::{Dot, Tone};
use crate::components::clock::Clock;
use crate::components::fresh::use_fresh;
use crate::components::number::grouped;
use crate::components::problem::Problem;
use crate::components::skeleton::Skeleton;
use crate::components::words::span;
use crate::model::Moment;
use crate::model::admin::{Health, Overview};

/// The numbers have no topic: they are asked for again while somebody looks.
const EVERY_MS: u64 = 2_000;
/// Anything queued for longer wants a look.
const OLD_MS: i64 = 10 * 60_000;

/// The page.
#[component]
pub fn OverviewPage() -> impl IntoView {
    let snapshot = Resource::new_blocking(|| (), |()| load_overview());
    view! {
        <Sections />
        <Transition fallback=|| {
            view! { <Skeleton rows=4 /> }
        }>
            {move || Suspend::new(async move {
                match snapshot.await {
                    Ok(first) => view! { <Numbers first /> }.into_any(),
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

#[component]
fn Numbers(first: Overview) -> impl IntoView {
    let Polled {
        now, as_of, failed, ..
    } = poll(first, EVERY_MS, load_overview);
    let pick = move |pick: fn(&Overview) -> i64| Signal::derive(move || pick(&now.read()));
    let oldest = Memo::new(move |_| now.read().oldest_queued_at);
    let clock = Clock::here();
    let health = Memo::new(move |_| {
        let age = oldest.get().map(|at| clock.now().since(at));
        late(age)
            .into_iter()
            .chain(now.read().health.iter().cloned())
            .collect::<Vec<_>>()
    });

    view! {
        <AsOf as_of failed />
        <section class="tiles figures" aria-label="Now" class:dim=move || failed.read().is_some()>
            <Figure
                label="Connections"
                href="/admin/connections"
                value=pick(|it| it.connections)
                note="open now"
            />
            <Figure
                label="People online"
                href="/admin/connections"
                value=pick(|it| it.users_online)
                note="with an open connection"
            />
            <Figure
                label="Groups"
                href="/admin/groups"
                value=pick(|it| it.groups)
                note="with somebody in them"
            />
            <Figure
                label="Acknowledged"
                value=pick(|it| it.acked_last_hour)
                note="in the last hour"
            />
            <Figure
                label="Queued"
                href="/admin/queued"
                value=pick(|it| it.queued)
                note="owed to somebody"
            />
            <Oldest oldest=oldest />
        </section>
        <div class="panes" class:dim=move || failed.read().is_some()>
            <HealthList health />
            <Transports now />
        </div>
    }
    .into_any()
}

#[component]
fn Figure(
    label: &'static str,
    #[prop(optional)] href: Option<&'static str>,
    #[prop(into)] value: Signal<i64>,
    #[prop(into)] note: Signal<String>,
) -> impl IntoView {
    let fresh = use_fresh(value);
    let inner = view! {
        <span class="l">{label}</span>
        <span class="v">
            <span class=move || format!("num-live {}", fresh.get())>
                {move || grouped(value.get())}
            </span>
        </span>
        <span class="d" title=move || note.get()>
            {move || note.get()}
        </span>
    };
    match href {
        Some(href) => view! {
            <a class="tile" href=href>
                {inner}
            </a>
        }
        .into_any(),
        None => view! { <div class="tile">{inner}</div> }.into_any(),
    }
}

#[component]
fn Oldest(#[prop(into)] oldest: Signal<Option<Moment>>) -> impl IntoView {
    let clock = Clock::here();
    let age = Memo::new(move |_| oldest.get().map(|at| clock.now().since(at).max(0)));
    let late = move || late(age.get()).is_some();
    view! {
        <a class="tile" href="/admin/queued">
            <span class="l">
                {move || late().then(|| view! { <Dot tone=Signal::stored(Tone::Warn) /> })}
                "Oldest queued"
            </span>
            <span class="v">{move || age.get().map_or_else(|| "–".to_owned(), span)}</span>
            <span class="d">
                {move || if age.get().is_some() { "since it was accepted" } else { "nothing waits" }}
            </span>
        </a>
    }
    .into_any()
}

/// A message that waits for so long wants a look; said here, because it is seen here by the page's clock.
fn late(age: Option<i64>) -> Option<Health> {
    let age = age.filter(|age| *age > OLD_MS)?;
    Some(Health {
        ok: false,
        text: format!("The oldest message has waited {}.", span(age)),
        link: Some(("/admin/queued".to_owned(), "See messages".to_owned())),
    })
}

/// One number of the overview.
type Pick = fn(&Overview) -> i64;

/// How the open connections are carried.
#[component]
fn Transports(now: RwSignal<Overview>) -> impl IntoView {
    let rows: [(&str, Pick); 4] = [
        ("WebSocket", |it| it.websocket),
        ("Server-Sent Events", |it| it.sse),
        ("Long polling", |it| it.long_polling),
        ("Event stream", |it| it.stream),
    ];
    view! {
        <section class="pad" aria-labelledby="transports-title">
            <div class="hrow">
                <h2 id="transports-title">"Transports"</h2>
                <a class="small" href="/admin/connections">
                    "All connections"
                </a>
            </div>
            <table class="flush">
                <caption class="vh">"Open connections by transport"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Transport"</th>
                        <th scope="col" class="num">
                            "Connections"
                        </th>
                        <th scope="col" class="num">
                            "Share"
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {rows
                        .map(|(word, pick)| {
                            let count = move || pick(&now.read());
                            let share = move || {
                                let all = now.read().connections.max(1);
                                (count() * 100 + all / 2) / all
                            };
                            view! {
                                <tr>
                                    <th scope="row">{word}</th>
                                    <td class="num">{move || grouped(count())}</td>
                                    <td class="num">
                                        <svg
                                            class="gauge"
                                            viewBox="0 0 100 8"
                                            preserveAspectRatio="none"
                                            aria-hidden="true"
                                        >
                                            <rect class="gauge-all" width="100" height="8"></rect>
                                            <rect
                                                class="gauge-part"
                                                width=move || share().to_string()
                                                height="8"
                                            ></rect>
                                        </svg>
                                        <span class="share">{move || format!("{} %", share())}</span>
                                    </td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </table>
        </section>
    }
    .into_any()
}

#[component]
fn HealthList(health: Memo<Vec<Health>>) -> impl IntoView {
    let wrong = move || health.read().iter().filter(|it| !it.ok).count();
    let summary = move || match wrong() {
        0 => "All is well".to_owned(),
        1 => "1 thing wants a look".to_owned(),
        many => format!("{many} things want a look"),
    };
    view! {
        <section class="pad" aria-labelledby="health-title">
            <div class="hrow">
                <h2 id="health-title">"Health"</h2>
                <span class="faint small">{summary}</span>
            </div>
            <ul class="health">
                {move || {
                    health
                        .get()
                        .into_iter()
                        .map(|line| {
                            let (class, label) = if line.ok {
                                ("dot ok", "Fine")
                            } else {
                                ("dot warn", "Warning")
                            };
                            view! {
                                <li>
                                    <i class=class role="img" aria-label=label></i>
                                    <p>{line.text}</p>
                                    {line
                                        .link
                                        .map(|(href, words)| {
                                            view! {
                                                <a class="link" href=href>
                                                    {words}
                                                </a>
                                            }
                                        })}
                                </li>
                            }
                        })
                        .collect_view()
                }}
            </ul>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::late;

    #[test]
    fn what_waits_for_long_is_said() {
        assert_eq!(late(None), None);
        assert_eq!(late(Some(9 * 60_000)), None);
        let line = late(Some(3 * 3_600_000 + 5));
        let line = line.map(|line| (line.ok, line.text));
        let said = "The oldest message has waited 3 h.".to_owned();
        assert_eq!(line, Some((false, said)));
    }
}
