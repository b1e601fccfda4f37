//! The step rail: one node per step, with its people, when, and what they said.

use leptos::prelude::*;

use super::state::of_step;
use crate::components::badge::Dot;
use crate::components::clock::Clock;
use crate::components::time::{Shape, Time};
use crate::components::words::span;
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
fn AssigneeLine(assignee: Assignee, due: Option<crate::model::Moment>) -> impl IntoView {
    let name = if assignee.is_me {
        view! { <strong>"You"</strong> }.into_any()
    } else {
        assignee.name.into_any()
    };
    let due = due.filter(|_| assignee.is_me);
    view! {
        <p>
            {name}
            {assignee
                .at
                .map(|at| {
                    view! {
                        ", "
                        <Time at=Signal::stored(at) shape=Shape::Stamp />
                    }
                })}
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
