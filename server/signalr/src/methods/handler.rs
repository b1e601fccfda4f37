//! Functions as methods.

use std::future::Future;

use super::{Binding, Parameter};
use crate::HubError;

/// An async function or closure of up to eight [`Parameter`]s. Implemented for all of them; `M` only
/// keeps the implementations apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a hub method",
    note = "it must be an async function whose parameters implement `Parameter` and whose future is `Send`"
)]
pub trait Handler<P, S, M>: Send + Sync + 'static {
    /// What the future yields.
    type Output;
    /// What it returns.
    type Future: Future<Output = Self::Output> + Send + 'static;
    /// Arguments of the call, all parameters together.
    const ARGUMENTS: usize;
    /// Streams of the client, all parameters together.
    const UPLOADS: usize;
    /// Whether a parameter watches for cancellation.
    const CANCELLABLE: bool;

    /// Takes the parameters and calls the function.
    fn call(&self, from: &mut Binding<'_, P, S>) -> Result<Self::Future, HubError>;
}

macro_rules! function {
    ($($name:ident)*) => {
        impl<P, S, Fun, Fut, $($name),*> Handler<P, S, fn($($name),*)> for Fun
        where
            Fun: Fn($($name),*) -> Fut + Send + Sync + 'static,
            Fut: Future + Send + 'static,
            $($name: Parameter<P, S>,)*
        {
            type Output = Fut::Output;
            type Future = Fut;
            const ARGUMENTS: usize = 0 $(+ $name::ARGUMENTS)*;
            const UPLOADS: usize = 0 $(+ $name::UPLOADS)*;
            const CANCELLABLE: bool = false $(|| $name::CANCELLABLE)*;

            fn call(&self, from: &mut Binding<'_, P, S>) -> Result<Fut, HubError> {
                let _ = &from;
                Ok(self($($name::bind(from)?),*))
            }
        }
    };
}

function!();
function!(A);
function!(A B);
function!(A B C);
function!(A B C D);
function!(A B C D E);
function!(A B C D E F);
function!(A B C D E F G);
function!(A B C D E F G H);
