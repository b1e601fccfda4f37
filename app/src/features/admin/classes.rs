//! `/admin/classes`: how hard notifications are tried, by class and by kind. `?edit=` and `?new=` show the
//! form of one.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::Sections;
use super::class_form::ClassForm;
use super::refused::Refused;
use super::server_fns::{SetDefaultClass, SetKind, load_classes};
use crate::components::badge::{Badge, Tone};
use crate::components::button::Submit;
use crate::components::problem::Problem;
use crate::components::skeleton::Skeleton;
use crate::error::AppError;
use crate::features::sign_in::escape;
use crate::model::classes::{ClassRow, Classes};
use crate::model::delivery::draft::{Draft, ladder_words};
use crate::model::delivery::words;

/// The page.
#[component]
pub fn ClassesPage() -> impl IntoView {
    let kind = ServerAction::<SetKind>::new();
    let default = ServerAction::<SetDefaultClass>::new();
    let query = use_query_map();
    let editing = Memo::new(move |_| {
        let query = query.read();
        let new = query.get("new").is_some();
        (query.get("edit").filter(|key| !key.is_empty()), new)
    });
    // Forms change what is shown here.
    let changes = move || (kind.version().get(), default.version().get(), editing.get());
    let snapshot = Resource::new_blocking(changes, |_| load_classes());
    view! {
        <Sections />
        <Transition fallback=|| {
            view! { <Skeleton rows=8 /> }
        }>
            {move || {
                let (edit, new) = editing.get();
                Suspend::new(async move {
                    match snapshot.await {
                        Ok(all) if new => form_of(&all, None),
                        Ok(all) => match edit {
                            Some(key) => form_of(&all, Some(&key)),
                            None => view! { <Shelf all kind default /> }.into_any(),
                        },
                        Err(error) => {
                            let retry = Callback::new(move |()| snapshot.refetch());
                            view! { <Problem error retry /> }.into_any()
                        }
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}

/// The form, as the address has it (a preview without script) or as the class is.
fn form_of(all: &Classes, key: Option<&str>) -> AnyView {
    let row = key.map(|key| all.classes.iter().find(|row| row.key == key).cloned());
    let row = match row {
        Some(None) => {
            let error = AppError::NotFound {
                what: "class".to_owned(),
            };
            return view! { <p class="pad err">{error.to_string()}</p> }.into_any();
        }
        Some(found) => found,
        None => None,
    };
    let standard = all.classes.first().map(|row| &row.class);
    let stored = row.as_ref().map(|row| &row.class).or(standard);
    let mut draft = stored.map(Draft::from).unwrap_or_default();
    let query = use_query_map().get_untracked();
    let typed = query.get("ladder").is_some();
    if typed {
        let field = |name: &str| query.get(name).unwrap_or_default();
        draft = Draft {
            ack_by: field("ack_by"),
            sufficient: field("sufficient"),
            life: field("life"),
            ladder: field("ladder"),
            title: field("title"),
            fields: field("fields"),
            high: field("high"),
            away: field("away"),
            backlog: field("backlog"),
        };
    }
    let key = match &row {
        Some(row) => row.key.clone(),
        None => query.get("key").unwrap_or_default(),
    };
    view! { <ClassForm row key draft /> }.into_any()
}

#[component]
fn Shelf(
    all: Classes,
    kind: ServerAction<SetKind>,
    default: ServerAction<SetDefaultClass>,
) -> impl IntoView {
    let keys: Vec<String> = all.classes.iter().map(|row| row.key.clone()).collect();
    let of_default = all.default.clone();
    let rows = all.classes.into_iter().map(|row| {
        let kinds: Vec<String> = all
            .kinds
            .iter()
            .filter(|(_, class)| class.as_ref() == Some(&row.key))
            .map(|(kind, _)| kind.clone())
            .collect();
        let is_default = row.key == all.default;
        view! { <ClassLine row kinds is_default /> }
    });
    let rows = rows.collect_view();
    view! {
        <div class="tablewrap" id="classes" tabindex="0" role="region" aria-label="Delivery classes">
            <div class="hrow pad">
                <h2>"Classes"</h2>
                <a class="btn" href="/admin/classes?new=1">
                    "New class"
                </a>
            </div>
            <table class="two-lines">
                <caption class="vh">"Delivery classes"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Class"</th>
                        <th scope="col" class="hide-phone">"Ladder"</th>
                        <th scope="col" class="num hide-phone">"Life"</th>
                        <th scope="col">"Origin"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <div class="panes">
                <Kinds kinds=all.kinds keys=keys.clone() action=kind />
                <Default of=of_default keys action=default />
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn ClassLine(row: ClassRow, kinds: Vec<String>, is_default: bool) -> impl IntoView {
    let (tone, word) = match (row.built_in, row.own) {
        (true, true) => (Tone::Info, "Changed"),
        (true, false) => (Tone::Rest, "Built in"),
        _ => (Tone::Rest, "Own"),
    };
    let href = format!("/admin/classes?edit={}", escape(&row.key));
    let rule = words::settled_by(row.class.ack_by, row.class.sufficient);
    let kinds = kinds.join(", ");
    let ladder = match ladder_words(&row.class) {
        none if none.is_empty() => "no rungs".to_owned(),
        ladder => ladder,
    };
    view! {
        <tr>
            <th scope="row" class="w30">
                <span class="name-line">
                    <a class="cut mono" href=href title=row.key.clone()>
                        {row.key.clone()}
                    </a>
                    {is_default.then(|| view! { <span class="sub">"default"</span> })}
                </span>
                {(!kinds.is_empty())
                    .then(|| {
                        view! {
                            <span class="sub cut" title=kinds.clone()>
                                {kinds.clone()}
                            </span>
                        }
                    })}
                <span class="sub cut only-phone-block" title=ladder.clone()>
                    {ladder.clone()}
                </span>
            </th>
            <td class="w40 hide-phone">
                <span class="cut" title=ladder.clone()>
                    {ladder.clone()}
                </span>
                <span class="sub cut" title=rule>
                    {rule}
                </span>
            </td>
            <td class="num muted hide-phone">{words::span(row.class.life)}</td>
            <td>
                <Badge tone=Signal::stored(tone) word=Signal::stored(word) even=true />
            </td>
        </tr>
    }
    .into_any()
}

#[component]
fn Kinds(
    kinds: Vec<(String, Option<String>)>,
    keys: Vec<String>,
    action: ServerAction<SetKind>,
) -> impl IntoView {
    let none = kinds
        .is_empty()
        .then(|| view! { <p class="muted small">"None is known by name: every kind has the default class."</p> });
    view! {
        <section class="pad" aria-labelledby="h-kinds">
            <h2 id="h-kinds">"Known kinds"</h2>
            {none}
            <ul class="kinds">
                {kinds
                    .into_iter()
                    .map(|(kind, class)| {
                        let label = format!("Forget {kind}");
                        let class = class.unwrap_or_else(|| "the default".to_owned());
                        view! {
                            <li>
                                <span class="mono cut">{kind.clone()}</span>
                                <span class="muted">{class}</span>
                                <ActionForm action>
                                    <input type="hidden" name="kind" value=kind />
                                    <input type="hidden" name="class" value="" />
                                    <button class="btn quiet sm" aria-label=label>
                                        "Remove"
                                    </button>
                                </ActionForm>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
            <ActionForm action attr:class="inline-form">
                <label class="vh" for="kind">
                    "Kind"
                </label>
                <input
                    class="input"
                    id="kind"
                    name="kind"
                    placeholder="Kind, such as NewTask"
                    autocomplete="off"
                    required
                />
                <Choice id="kind-class" label="Class of the kind" keys of=String::new() />
                <Submit label="Set class" doing="Setting" pending=action.pending() />
            </ActionForm>
            {move || action.value().get().and_then(Result::err).map(|error| view! { <Refused error /> })}
        </section>
    }
    .into_any()
}

#[component]
fn Default(of: String, keys: Vec<String>, action: ServerAction<SetDefaultClass>) -> impl IntoView {
    view! {
        <section class="pad" aria-labelledby="h-default">
            <h2 id="h-default">"Default class"</h2>
            <p class="muted small">"Of every other kind, when its publisher names none."</p>
            <ActionForm action attr:class="inline-form">
                <Choice id="default-class" label="Default class" keys of />
                <Submit label="Set default" doing="Setting" pending=action.pending() />
            </ActionForm>
            {move || action.value().get().and_then(Result::err).map(|error| view! { <Refused error /> })}
        </section>
    }
    .into_any()
}

#[component]
fn Choice(id: &'static str, label: &'static str, keys: Vec<String>, of: String) -> impl IntoView {
    view! {
        <label class="vh" for=id>
            {label}
        </label>
        <select class="input" id=id name="class">
            {keys
                .into_iter()
                .map(|key| {
                    let selected = key == of;
                    view! {
                        <option value=key.clone() selected=selected>
                            {key.clone()}
                        </option>
                    }
                })
                .collect_view()}
        </select>
    }
    .into_any()
}
