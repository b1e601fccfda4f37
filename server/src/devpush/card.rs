//! What a screen shows.

use jiff::Timestamp;
use serde::Serialize;

use super::app::Touch;

/// A card on the screen, or one that was there.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Card {
    pub(super) tag: String,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) link: Option<String>,
    pub(super) high: bool,
    pub(super) drawn: Timestamp,
    /// How often it was drawn anew in its place.
    pub(super) replaced: u32,
    /// Since when it is gone.
    pub(super) withdrawn: Option<Timestamp>,
    /// By whose hand, if not by a push.
    pub(super) touched: Option<Touch>,
    /// It stands there silently, saying that there is nothing to do any more.
    pub(super) settled: bool,
}

/// The cards of a device, the newest last; the gone ones too, at most [`KEPT`].
#[derive(Clone, Debug, Default)]
pub(super) struct Screen(Vec<Card>);

const KEPT: usize = 50;

impl Screen {
    /// Draws a card, in the place of one of the same tag.
    pub(super) fn draw(&mut self, card: Card) {
        let replaced = self.take(&card.tag).map_or(0, |old| old.replaced + 1);
        self.0.push(Card { replaced, ..card });
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
    }

    /// Takes a card away.
    pub(super) fn withdraw(&mut self, tag: &str, now: Timestamp) {
        for card in &mut self.0 {
            if card.tag == tag && card.withdrawn.is_none() {
                card.withdrawn = Some(now);
            }
        }
    }

    /// Its user takes a card from the screen; `false`: it is not there any more.
    pub(super) fn touch(&mut self, tag: &str, how: Touch, now: Timestamp) -> bool {
        let card = self
            .0
            .iter_mut()
            .find(|card| card.tag == tag && card.withdrawn.is_none());
        let found = card.map(|card| {
            card.withdrawn = Some(now);
            card.touched = Some(how);
        });
        found.is_some()
    }

    /// What is to be seen.
    pub(super) fn shown(&self) -> impl DoubleEndedIterator<Item = &Card> {
        self.0.iter().filter(|card| card.withdrawn.is_none())
    }

    /// And what was.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Card> {
        self.0.iter()
    }

    fn take(&mut self, tag: &str) -> Option<Card> {
        let shown = |card: &Card| card.tag == tag && card.withdrawn.is_none();
        let place = self.0.iter().position(shown)?;
        Some(self.0.remove(place))
    }
}
