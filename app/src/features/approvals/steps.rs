//! The step rail: one node per step, with its people, when, and what they said.

use leptos::prelude::*;

use super::state::of_step;
use crate::components::badge::Dot;
use crate::components::clock::Clock;
use crate::components::time::{Shape, Time};
use crate::components::words::span;
use crate::model::Moment;
use crate::model::approval::{Assignee, Step, StepState};

/// All steps, in order.
#[component]
pub fn Steps(
    /// In order.
    steps: Vec<Step>,
) -> impl IntoView {
    view! {
        <section class="sec" aria-labelledby="steps-title">
            <h3 id="steps-title">"Steps"</h3>
            <ol class="steps">
                {steps.into_iter().map(|step| view! { <StepNode step /> }).collect_view()}
            </ol>
        </section>
    }
    .into_any()
}

#[component]
fn StepNode(step: Step) -> impl IntoView {
    let clock = Clock::here();
    let (tone, word) = of_step(step.state);
    let open = step.state == StepState::Open;
    let opened = step.opened_at;
    let word = move || match opened {
        Some(at) if open => format!("{word} {}", span(clock.now().since(at).max(0))),
        _ => word.to_owned(),
    };
    let due = step.due_at.filter(|_| open);
    view! {
        <li
            class:future=step.state == StepState::Waiting
            aria-current=open.then_some("step")
        >
            <Dot tone=Signal::stored(tone) />
            <div class="t">{step.name} <span>{word}</span></div>
            <div class="b">
                {step
                    .assignees
                    .into_iter()
                    .map(|assignee| view! { <AssigneeLine assignee due /> })
                    .collect_view()}
            </div>
        </li>
    }
    .into_any()
}

#[component]
fn AssigneeLine(assignee: Assignee, due: Option<Moment>) -> impl IntoView {
    let name = if assignee.is_me {
        view! { <strong>"You"</strong> }.into_any()
    } else {
        assignee.name.into_any()
    };
    let due = due.filter(|_| assignee.is_me);
    let (at, instead) = what_became(assignee.state, assignee.at);
    view! {
        <p>
            {name}
            {at
                .map(|at| {
                    view! {
                        ", "
                        <Time at=Signal::stored(at) shape=Shape::Stamp />
                    }
                })}
            {instead}
            {due
                .map(|at| {
                    view! {
                        ", due "
                        <Time at=Signal::stored(at) shape=Shape::Stamp />
                    }
                })}
        </p>
        {assignee.comment.map(|comment| view! { <p class="quote">{comment}</p> })}
    }
    .into_any()
}

/// When they decided, or why they did not: a part ends too when somebody else decides, and that is no decision of theirs.
const fn what_became(
    state: StepState,
    at: Option<Moment>,
) -> (Option<Moment>, Option<&'static str>) {
    match state {
        StepState::Approved | StepState::Rejected => (at, None),
        StepState::Superseded => (None, Some(", no longer needed")),
        StepState::Waiting | StepState::Open | StepState::Cancelled => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_decided_has_a_time() {
        let at = Some(Moment(1));
        assert_eq!(what_became(StepState::Approved, at), (at, None));
        assert_eq!(what_became(StepState::Rejected, at), (at, None));
        assert_eq!(
            what_became(StepState::Superseded, at),
            (None, Some(", no longer needed"))
        );
        assert_eq!(what_became(StepState::Cancelled, at), (None, None));
    }
}
