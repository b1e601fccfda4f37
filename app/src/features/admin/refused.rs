//! A refusal beside its form, or beside the field that it is about.

use leptos::prelude::*;

use crate::error::AppError;

/// What was refused, and why.
#[component]
pub fn Refused(error: AppError) -> impl IntoView {
    view! {
        <p class="err" role="alert">
            <i class="dot bad" aria-hidden="true"></i>
            {error.to_string()}
        </p>
    }
    .into_any()
}

/// Is this the field that was refused? As the value of `aria-invalid`.
pub fn wrong(error: Signal<Option<AppError>>, label: &'static str) -> Signal<Option<&'static str>> {
    Signal::derive(move || problem_of(error.read().as_ref(), label).map(|_| "true"))
}

/// What is wrong with the field of this label, under it; nothing while nothing is.
#[component]
pub fn WrongHere(
    /// What was refused.
    error: Signal<Option<AppError>>,
    /// The field's label, which is how an error names it.
    label: &'static str,
    /// Id of the sentence, for the field's `aria-describedby`.
    id: String,
) -> impl IntoView {
    move || {
        let problem = problem_of(error.read().as_ref(), label)?.to_owned();
        Some(view! {
            <p class="err" id=id.clone() role="alert">
                <i class="dot bad" aria-hidden="true"></i>
                {problem}
            </p>
        })
    }
}

/// The part of an error that is about this field; a part of the field may be named behind a comma: `Ladder, line 2`.
pub fn problem_of<'a>(error: Option<&'a AppError>, label: &str) -> Option<&'a str> {
    let Some(AppError::Invalid { field, problem }) = error else {
        return None;
    };
    let part = field.strip_prefix(label)?;
    (part.is_empty() || part.starts_with(',')).then_some(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_finds_its_field() {
        let error = |field: &str| AppError::Invalid {
            field: field.to_owned(),
            problem: "No.".to_owned(),
        };
        assert_eq!(problem_of(Some(&error("Life")), "Life"), Some("No."));
        let line = error("Ladder, line 2");
        assert_eq!(problem_of(Some(&line), "Ladder"), Some("No."));
        assert_eq!(problem_of(Some(&error("Ladders")), "Ladder"), None);
        assert_eq!(problem_of(Some(&AppError::SignedOut), "Life"), None);
        assert_eq!(problem_of(None, "Life"), None);
    }
}
