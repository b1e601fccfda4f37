//! What can be wrong with a frame. Every case is fatal for the connection it came from.

/// Arguments and stream ids of one call, each: a list of tiny values costs many times its bytes once
/// it is read.
pub(crate) const MAX_ELEMENTS: usize = 1024;

/// How deep a value may be nested: who reads one takes stack for each level.
pub(crate) const MAX_DEPTH: usize = 128;

/// Why a frame is not a message.
///
/// Names fields, never their content: the text may be logged and sent to the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not UTF-8, not JSON, not an object, or something follows the object.
    #[error("the frame is not one JSON object")]
    NotAnObject,
    /// Not one whole MessagePack array, or something in it is nested too deep.
    #[error("the frame is not one MessagePack array")]
    NotAnArray,
    /// A property that this kind of message must have is absent or null.
    #[error("missing required property '{0}'")]
    Missing(&'static str),
    /// A property has another type than this kind of message wants.
    #[error("property '{0}' has the wrong type")]
    WrongType(&'static str),
    /// More elements than a call may have.
    #[error("property '{0}' has more than {MAX_ELEMENTS} elements")]
    TooMany(&'static str),
    /// Objects and lists within each other.
    #[error("the frame is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A Completion must not say both.
    #[error("the 'error' and 'result' properties are mutually exclusive")]
    ErrorAndResult,
}
