//! The icon of a kind of request.

use crate::components::icon::Glyph;

/// Icon and its word.
#[must_use]
pub fn of(kind: &str) -> (Glyph, &'static str) {
    match kind {
        "purchase" => (Glyph::Cart, "Purchase"),
        "leave" => (Glyph::Sun, "Leave"),
        "travel" => (Glyph::Plane, "Travel"),
        "contract" => (Glyph::Contract, "Contract"),
        "equipment" => (Glyph::Laptop, "Equipment"),
        "correction" => (Glyph::ClockPen, "Punch correction"),
        _ => (Glyph::Other, "Request"),
    }
}
