//! The form of a class and, beside it, what it means. The preview is the server's own rules, walked in the
//! browser while somebody types; without script a button asks for it.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::refused::{Refused, WrongHere, problem_of, wrong};
use super::server_fns::{RemoveClass, SaveClass};
use crate::browser;
use crate::components::badge::Tone;
use crate::components::button::{Look, Submit};
use crate::components::dialog::{Dialog, Dismiss};
use crate::components::toast::{Toast, Toasts};
use crate::error::AppError;
use crate::model::classes::ClassRow;
use crate::model::delivery::draft::{AWAY, BACKLOG, Draft};
use crate::model::delivery::{Happening, Story, preview, words};

const PATH: &str = "/admin/classes";
const DIALOG: &str = "remove-class";

/// Labels of the fields that can be refused; whatever else is wrong stands at the foot of the form.
const KEY: &str = "Key";
const LIFE: &str = "Life";
const LADDER: &str = "Ladder";
const TITLE: &str = "Lock screen";
const FIELDS: &str = "May leave in a push";

const ACK_BY: [(&str, &str); 3] = [
    ("any_device", "the first device"),
    ("every_device", "every device seen within 30 days"),
    ("active_device", "a device with somebody at it"),
];
const SUFFICIENT: [(&str, &str); 2] = [
    ("acked", "no: only an acknowledgement"),
    ("reached", "yes, where a client never acknowledges"),
];

/// Form and preview.
#[component]
pub fn ClassForm(
    /// The class as it is stored; `None`: a new one.
    row: Option<ClassRow>,
    /// Its key.
    key: String,
    /// What stands in the fields at first.
    draft: Draft,
) -> impl IntoView {
    let save = ServerAction::<SaveClass>::new();
    on_answer(save);
    let now = RwSignal::new(draft);
    let new = row.is_none();
    let error = Signal::derive(move || save.value().get().and_then(Result::err));
    let elsewhere = move || error.get().filter(|error| !is_at_a_field(error, new));
    let head = match &row {
        Some(row) => format!("Class {}", row.key),
        None => "New class".to_owned(),
    };
    let name = key.clone();
    let (again_name, again_value) = if new {
        ("new", "1".to_owned())
    } else {
        ("edit", name)
    };
    view! {
        <div class="tablewrap" id="class-form" tabindex="0" role="region" aria-label=head.clone()>
            <div class="exgrid">
                <section class="pad">
                    <div class="hrow">
                        <h2>{head.clone()}</h2>
                        <a class="link" href=PATH>
                            "All classes"
                        </a>
                    </div>
                    <ActionForm action=save attr:class="col class-form">
                        <KeyField key new error />
                        <Select
                            name="ack_by"
                            label="Settled by the acknowledgement of"
                            options=&ACK_BY
                            value=now.get_untracked().ack_by
                            typed=move |value| now.update(|draft| draft.ack_by = value)
                        />
                        <Select
                            name="sufficient"
                            label="Is reading enough?"
                            options=&SUFFICIENT
                            value=now.get_untracked().sufficient
                            typed=move |value| now.update(|draft| draft.sufficient = value)
                        />
                        <Line
                            name="life"
                            label=LIFE
                            error
                            hint="How long it is worth delivering: 30 min, 14 days; at most 28 days."
                            value=now.get_untracked().life
                            typed=move |value| now.update(|draft| draft.life = value)
                        />
                        <LadderField
                            error
                            value=now.get_untracked().ladder
                            typed=move |value| now.update(|draft| draft.ladder = value)
                        />
                        <Line
                            name="title"
                            label=TITLE
                            error
                            hint="What a phone shows when the notification's own title may not leave."
                            value=now.get_untracked().title
                            typed=move |value| now.update(|draft| draft.title = value)
                        />
                        <Line
                            name="fields"
                            label=FIELDS
                            error
                            hint="Nothing, or some of title, body, link, data, badge, with commas between."
                            value=now.get_untracked().fields
                            typed=move |value| now.update(|draft| draft.fields = value)
                            optional=true
                        />
                        <Line
                            name="away"
                            label=AWAY
                            error
                            hint="Nothing, or when somebody without any connection is pushed to, such as 5 s."
                            value=now.get_untracked().away
                            typed=move |value| now.update(|draft| draft.away = value)
                            optional=true
                        />
                        <Line
                            name="backlog"
                            label=BACKLOG
                            error
                            hint="Who comes back to more is told how many, once, if the app understands Backlog. Nothing: each comes."
                            value=now.get_untracked().backlog
                            typed=move |value| now.update(|draft| draft.backlog = value)
                            optional=true
                        />
                        <label class="check">
                            <input
                                type="checkbox"
                                name="high"
                                value="yes"
                                checked=!now.get_untracked().high.is_empty()
                                on:change=move |event| {
                                    let high = event_target_checked(&event);
                                    now.update(|draft| {
                                        draft.high = String::from(if high { "yes" } else { "" });
                                    });
                                }
                            />
                            " Wakes a sleeping phone at once"
                        </label>
                        {move || elsewhere().map(|error| view! { <Refused error /> })}
                        <div class="foot-row">
                            <button
                                type="submit"
                                class="btn only-static"
                                formmethod="get"
                                formaction=PATH
                                name=again_name
                                value=again_value
                            >
                                "Preview"
                            </button>
                            <Submit
                                label="Save class"
                                doing="Saving"
                                pending=save.pending()
                                look=Look::Primary
                            />
                        </div>
                    </ActionForm>
                    {row.map(|row| view! { <Removal row /> })}
                </section>
                <section class="pad side" aria-labelledby="h-preview">
                    <Meaning now />
                </section>
            </div>
        </div>
    }
    .into_any()
}

/// Says that it was saved and leaves for the list; a refusal puts the focus into the field that it is about.
fn on_answer(save: ServerAction<SaveClass>) {
    let toasts = Toasts::here();
    let navigate = use_navigate();
    Effect::watch(
        move || save.value().get(),
        move |answer, _, _| {
            match answer {
                Some(Ok(())) => {
                    toasts.show(Toast {
                        tone: Tone::Ok,
                        own: true,
                        title: "Class saved".to_owned(),
                        body: "It counts for what is published from now on.".to_owned(),
                        link: None,
                    });
                    navigate(PATH, leptos_router::NavigateOptions::default());
                }
                // The field is marked by then.
                Some(Err(_)) => request_animation_frame(|| {
                    browser::focus("#class-form [aria-invalid]");
                }),
                None => {}
            }
        },
        false,
    );
}

/// Is it said beside a field? The key has one while the class is new.
fn is_at_a_field(error: &AppError, new: bool) -> bool {
    let of = |label| problem_of(Some(error), label).is_some();
    new && of(KEY)
        || [LIFE, LADDER, TITLE, FIELDS, AWAY, BACKLOG]
            .into_iter()
            .any(of)
}

#[component]
fn KeyField(key: String, new: bool, error: Signal<Option<AppError>>) -> impl IntoView {
    if !new {
        return view! { <input type="hidden" name="key" value=key /> }.into_any();
    }
    view! {
        <div class="field">
            <label for="key">{KEY}</label>
            <input
                class="input"
                id="key"
                name="key"
                value=key
                autocomplete="off"
                autocapitalize="none"
                required
                pattern="[a-z][a-z0-9_\\-]*"
                aria-invalid=wrong(error, KEY)
                aria-describedby="key-wrong key-note"
            />
            <WrongHere error label=KEY id="key-wrong".to_owned() />
            <p class="hint" id="key-note">
                "What publishers name it by: lower-case letters, digits, _ and -."
            </p>
        </div>
    }
    .into_any()
}

#[component]
fn LadderField(
    error: Signal<Option<AppError>>,
    value: String,
    typed: impl Fn(String) + Send + Sync + 'static,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for="ladder">{LADDER}</label>
            <textarea
                class="input mono"
                id="ladder"
                name="ladder"
                rows="6"
                spellcheck="false"
                aria-invalid=wrong(error, LADDER)
                aria-describedby="ladder-wrong ladder-note"
                on:input=move |event| typed(event_target_value(&event))
            >
                {value}
            </textarea>
            <WrongHere error label=LADDER id="ladder-wrong".to_owned() />
            <p class="hint" id="ladder-note">
                "A rung a line, while nobody has settled it: 5 s again, 1 min push, 10 min deputy, 1 h give up."
            </p>
        </div>
    }
    .into_any()
}

#[component]
fn Line(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    error: Signal<Option<AppError>>,
    value: String,
    typed: impl Fn(String) + Send + Sync + 'static,
    #[prop(optional)] optional: bool,
) -> impl IntoView {
    let note = format!("{name}-note");
    let id = format!("{name}-wrong");
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input
                class="input"
                id=name
                name=name
                value=value
                autocomplete="off"
                required=!optional
                aria-invalid=wrong(error, label)
                aria-describedby=format!("{id} {note}")
                on:input=move |event| typed(event_target_value(&event))
            />
            <WrongHere error label id />
            <p class="hint" id=note>
                {hint}
            </p>
        </div>
    }
    .into_any()
}

#[component]
fn Select(
    name: &'static str,
    label: &'static str,
    options: &'static [(&'static str, &'static str)],
    value: String,
    typed: impl Fn(String) + Send + Sync + 'static,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <select
                class="input"
                id=name
                name=name
                on:change=move |event| typed(event_target_value(&event))
            >
                {options
                    .iter()
                    .map(|(key, words)| {
                        let selected = *key == value;
                        view! {
                            <option value=*key selected=selected>
                                {*words}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
        </div>
    }
    .into_any()
}

/// What the fields say now.
#[component]
fn Meaning(now: RwSignal<Draft>) -> impl IntoView {
    let told = move || match now.read().read() {
        Ok(class) => {
            let told = preview(&class);
            let stories = told
                .stories
                .into_iter()
                .map(|story| view! { <Told story /> });
            view! {
                <p class="muted small">
                    {told.settled_by} "; worth delivering for " {told.life} "."
                </p>
                {stories.collect_view()}
            }
            .into_any()
        }
        Err(flaw) => view! {
            <p class="err">
                <i class="dot bad" aria-hidden="true"></i>
                {format!("{}: {}", flaw.field, flaw.cure)}
            </p>
        }
        .into_any(),
    };
    view! {
        <h2 id="h-preview">"What would happen"</h2>
        <div id="preview">{told}</div>
    }
    .into_any()
}

#[component]
fn Told(story: Story) -> impl IntoView {
    let id = format!("story-{}", story.key);
    view! {
        <section class="sec" aria-labelledby=id.clone()>
            <h3 id=id.clone()>{story.title}</h3>
            <ol class="next">
                {story
                    .events
                    .into_iter()
                    .map(|event| {
                        view! {
                            <li>
                                <span class="num">{when(&event)}</span>
                                <span>{event.text}</span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
        </section>
    }
    .into_any()
}

/// `at once`, `+5 s`.
fn when(event: &Happening) -> String {
    match event.after {
        0 => "at once".to_owned(),
        after => format!("+{}", words::span(after)),
    }
}

#[component]
fn Removal(row: ClassRow) -> impl IntoView {
    let remove = ServerAction::<RemoveClass>::new();
    let navigate = use_navigate();
    Effect::watch(
        move || remove.value().get(),
        move |answer, _, _| {
            if let Some(Ok(())) = answer {
                navigate(PATH, leptos_router::NavigateOptions::default());
            }
        },
        false,
    );
    if !row.own {
        return ().into_any();
    }
    let (open, title, text, label) = if row.built_in {
        (
            "Bring the built-in one back…",
            format!("Bring the built-in {} back", row.key),
            "What you wrote is removed; kinds that have it keep its key.",
            "Bring it back",
        )
    } else {
        (
            "Remove…",
            format!("Remove {}", row.key),
            "Refused while a kind has it, or while it is the default. What was published with it is tried by the default class from then on.",
            "Remove class",
        )
    };
    view! {
        <p class="foot-row">
            <button type="button" class="btn quiet" popovertarget=DIALOG>
                {open}
            </button>
        </p>
        <Dialog id=DIALOG title=Signal::stored(title)>
            <ActionForm action=remove>
                <input type="hidden" name="key" value=row.key />
                <div class="body">
                    <p>{text}</p>
                    {move || remove.value().get().and_then(Result::err).map(|error| view! { <Refused error /> })}
                </div>
                <div class="foot">
                    <Dismiss dialog=DIALOG label="Keep it" />
                    <Submit label=label doing="Removing" pending=remove.pending() look=Look::Danger />
                </div>
            </ActionForm>
        </Dialog>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flaw_of_a_draft_is_said_at_its_field() {
        let draft = Draft::from(&crate::model::delivery::Class::of_withdrawals());
        let flawed: [fn(&mut Draft); 5] = [
            |draft| draft.life = "soon".to_owned(),
            |draft| draft.ladder = "5 s agin".to_owned(),
            |draft| draft.fields = "everything".to_owned(),
            |draft| draft.away = "soon".to_owned(),
            |draft| draft.backlog = "many".to_owned(),
        ];
        for flaw in flawed {
            let mut draft = draft.clone();
            flaw(&mut draft);
            let Err(flaw) = draft.read() else {
                panic!("{draft:?} was taken");
            };
            let error = AppError::Invalid {
                field: flaw.field,
                problem: flaw.cure,
            };
            assert!(is_at_a_field(&error, false), "{error}");
        }
        let key = AppError::Invalid {
            field: KEY.to_owned(),
            problem: "No.".to_owned(),
        };
        assert!(is_at_a_field(&key, true));
        assert!(!is_at_a_field(&key, false), "it has no field then");
    }
}
