//! An interval of time by which a caller narrows a list.

use jiff::Timestamp;

use super::error::ApiError;
use super::wire::parse_time;

/// An interval, open where the caller gave no time. Both ends are inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

/// The member of an input that holds a time, and its text.
type Given<'a> = (&'a str, Option<&'a str>);

impl Interval {
    /// The interval between two times as a caller writes them.
    pub(super) fn between(from: Given<'_>, to: Given<'_>) -> Result<Self, ApiError> {
        let parse = |(member, text): Given<'_>| text.map(|text| parse_time(member, text));
        Ok(Self {
            from: parse(from).transpose()?,
            to: parse(to).transpose()?,
        })
    }

    /// Whether a time is in it.
    pub(super) fn contains(&self, at: Timestamp) -> bool {
        self.has_begun(at) && self.to.is_none_or(|to| at <= to)
    }

    /// Whether a time is not before it.
    pub(super) fn has_begun(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn both_ends_are_inside_and_a_missing_one_is_open() {
        let (early, late) = ("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z");
        let (before, after) = (at("2026-03-01T09:59:59Z"), at("2026-03-01T11:00:01Z"));
        let whole = Interval::between(("from", Some(early)), ("to", Some(late))).unwrap();
        assert!(whole.contains(at(early)) && whole.contains(at(late)));
        assert!(!whole.contains(before) && !whole.contains(after));
        assert!(!whole.has_begun(before) && whole.has_begun(after));
        let open = Interval::between(("from", None), ("to", None)).unwrap();
        assert!(open.contains(before) && open.contains(after));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (from, to) in [(Some("noon"), None), (None, Some("noon"))] {
            assert!(Interval::between(("from", from), ("to", to)).is_err());
        }
    }
}
