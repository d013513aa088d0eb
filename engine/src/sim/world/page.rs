//! Pages of lists: which one a caller wants, where it begins, and the token of the next.

use std::ops::Bound;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::call::{Scene, read_input};
use super::error::ApiError;

/// Most items on a page, whatever is asked for.
const PAGE_SIZE_BOUND: usize = 1_000;
/// Digits of the checksum that a token begins with.
const CHECKSUM_DIGITS: usize = 16;

/// Which page of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    operation: &'static str,
    size: usize,
    token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    #[serde(default)]
    max_results: Option<usize>,
    #[serde(default)]
    next_token: Option<String>,
}

impl Page {
    /// Which page the input of a DRS operation asks for.
    pub(super) fn of(
        operation: &'static str,
        scene: &Scene<'_>,
        input: &Value,
    ) -> Result<Self, ApiError> {
        let Input {
            max_results,
            next_token,
        } = read_input(input)?;
        let size = max_results.unwrap_or(scene.settings.page_size);
        Ok(Self::new(operation, size, next_token))
    }

    /// A page by its size and the token of the page before. An empty token asks for the first page, as a missing one does.
    pub(super) fn new(operation: &'static str, size: usize, token: Option<String>) -> Self {
        Self {
            operation,
            size: size.clamp(1, PAGE_SIZE_BOUND),
            token: token.filter(|token| !token.is_empty()),
        }
    }

    /// The key after which the page begins, if it is not the first.
    pub(super) fn after(&self) -> Result<Option<String>, ApiError> {
        let Some(token) = &self.token else {
            return Ok(None);
        };
        open_token(self.operation, token)
            .map(Some)
            .ok_or_else(bad_token)
    }

    /// Where the page begins in a map whose keys make the tokens.
    pub(super) fn begin(&self) -> Result<Bound<String>, ApiError> {
        Ok(self.after()?.map_or(Bound::Unbounded, Bound::Excluded))
    }

    /// The number after which the page begins, where numbers make the tokens.
    pub(super) fn after_number<N: FromStr>(&self) -> Result<Option<N>, ApiError> {
        let read = |key: String| key.parse().map_err(|_| bad_token());
        self.after()?.map(read).transpose()
    }

    /// Cuts a page off keyed items that begin after the last page's key. Keys, not positions, make tokens, so a page
    /// neither repeats nor skips an item when others come or go meanwhile.
    pub(super) fn cut<T>(
        &self,
        items: impl Iterator<Item = (String, T)>,
        view: impl Fn(T) -> Value,
    ) -> Value {
        let mut page = Vec::new();
        let mut last = None;
        let mut next_token = None;
        for (key, item) in items {
            if page.len() == self.size {
                next_token = last.map(|key: String| make_token(self.operation, &key));
                break;
            }
            page.push(view(item));
            last = Some(key);
        }
        let mut answer = json!({"items": page});
        if let Some(token) = next_token {
            answer["nextToken"] = json!(token);
        }
        answer
    }
}

/// A page token that this world did not make.
fn bad_token() -> ApiError {
    ApiError::validation(&[(
        "nextToken".to_owned(),
        "Invalid pagination token".to_owned(),
    )])
}

fn make_token(operation: &str, key: &str) -> String {
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{}{hex}", checksum(operation, key))
}

fn open_token(operation: &str, token: &str) -> Option<String> {
    if !token.is_ascii() || token.len() < CHECKSUM_DIGITS || !token.len().is_multiple_of(2) {
        return None;
    }
    let (sum, hex) = token.split_at(CHECKSUM_DIGITS);
    let bytes: Option<Vec<u8>> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
        .collect();
    let key = String::from_utf8(bytes?).ok()?;
    (checksum(operation, &key) == sum).then_some(key)
}

fn checksum(operation: &str, key: &str) -> String {
    let digest = Sha256::new()
        .chain_update(operation)
        .chain_update([0])
        .chain_update(key)
        .finalize();
    digest[..CHECKSUM_DIGITS / 2]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_operation_only() {
        let token = make_token("DescribeJobs", "7");
        assert_eq!(open_token("DescribeJobs", &token).as_deref(), Some("7"));
        assert_eq!(open_token("DescribeSourceServers", &token), None);
        for bad in [
            "",
            "zz",
            "00",
            "é0000000000000000",
            &token[1..],
            &format!("{token}0"),
        ] {
            assert_eq!(open_token("DescribeJobs", bad), None, "{bad}");
        }
    }
}
