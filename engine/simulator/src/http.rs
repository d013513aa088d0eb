//! A request and an answer as plain values, so that the faces of the services need no server to be tested.

use hyper::HeaderMap;

/// Most bytes of a request's body. DynamoDB takes 16 MiB in a batch; nothing here takes more.
pub(crate) const BODY_BOUND_BYTES: usize = 17 * 1024 * 1024;

/// A request, read whole.
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path as it was sent: an ARN is one percent-encoded segment, so decoding comes after splitting.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A header as text, or nothing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer with a body.
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.into(),
        }
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Undoes percent-encoding; none when it is malformed or not UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let (digits, tail) = tail.split_at_checked(2)?;
            let value = digits.iter().try_fold(0, |value, digit| {
                Some(value * 16 + (*digit as char).to_digit(16)?)
            })?;
            bytes.push(u8::try_from(value).ok()?);
            rest = tail;
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The pairs of a query string or of a form, decoded, in order.
pub(crate) fn form_pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plain = |text: &str| percent_decoded(&text.replace('+', " "));
            Some((plain(name)?, plain(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone_or_refused() {
        assert_eq!(
            percent_decoded("arn%3Aaws%3Adrs").as_deref(),
            Some("arn:aws:drs")
        );
        assert_eq!(percent_decoded("a%2Fb").as_deref(), Some("a/b"));
        for bad in ["%", "%4", "%zz", "%ff", "%+1"] {
            assert_eq!(percent_decoded(bad), None, "{bad}");
        }
    }

    #[test]
    fn repeated_names_keep_their_order() {
        let pairs = form_pairs("tagKeys=a%20b&tagKeys=c+d&x").unwrap();
        let expected = [("tagKeys", "a b"), ("tagKeys", "c d"), ("x", "")];
        assert_eq!(pairs, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}
