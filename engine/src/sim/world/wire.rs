//! How values look on the wire: times, durations, ARNs and page tokens.

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::call::read_input;
use super::error::ApiError;

/// A time as DRS sends it: microseconds and an offset, `2022-12-07T19:15:38.846723+00:00`.
pub(super) fn time_text(at: Timestamp) -> String {
    Offset::UTC
        .to_datetime(at)
        .strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")
        .to_string()
}

/// A time cut to the microseconds that the wire has, so that what is sent and what is compared are the same.
pub(super) fn to_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// A duration in ISO 8601 with days, `P2DT1H32M12.136909S`; `P0D` when there is none.
pub(super) fn duration_text(duration: SignedDuration) -> String {
    let micros = duration.as_micros().max(0);
    if micros == 0 {
        return "P0D".to_owned();
    }
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    let mut text = "P".to_owned();
    if days > 0 {
        text += &format!("{days}D");
    }
    text.push('T');
    if hours > 0 {
        text += &format!("{hours}H");
    }
    if hours > 0 || minutes > 0 {
        text += &format!("{minutes}M");
    }
    if fraction > 0 {
        text += &format!("{seconds}.{fraction:06}S");
    } else {
        text += &format!("{seconds}S");
    }
    text
}

/// A time as a caller writes it, with `Z` or an offset.
pub(super) fn parse_time(member: &str, text: &str) -> Result<Timestamp, ApiError> {
    text.parse().map_err(|_| {
        ApiError::validation(&[(
            member.to_owned(),
            format!("`{text}` is not a date and time"),
        )])
    })
}

/// An object without the members that are null: DRS leaves out what is absent.
pub(super) fn present<const N: usize>(members: [(&str, Value); N]) -> Value {
    let present = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        present
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// The ARN of a DRS resource.
pub(super) fn arn(region: &str, account_id: &str, kind: &str, id: &str) -> String {
    let partition = partition(region);
    format!("arn:{partition}:drs:{region}:{account_id}:{kind}/{id}")
}

/// The partition of a Region.
pub(super) fn partition(region: &str) -> &'static str {
    if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else if region.starts_with("eusc-") {
        "aws-eusc"
    } else {
        "aws"
    }
}

/// Which page of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Page {
    /// How many items at most.
    max_results: Option<usize>,
    /// The token of the page before.
    #[serde(deserialize_with = "non_empty")]
    next_token: Option<String>,
}

/// Most items on a page, whatever is asked for.
const PAGE_SIZE_BOUND: usize = 1_000;

impl Page {
    /// Which page an input asks for.
    pub(super) fn of(input: &Value) -> Result<Self, ApiError> {
        read_input(input)
    }

    /// A page by its size and token.
    pub(super) fn new(max_results: Option<usize>, next_token: Option<String>) -> Self {
        let next_token = next_token.filter(|token| !token.is_empty());
        Self {
            max_results,
            next_token,
        }
    }

    /// The key after which the page begins, if it is not the first.
    pub(super) fn after(&self, operation: &str) -> Result<Option<String>, ApiError> {
        let Some(token) = &self.next_token else {
            return Ok(None);
        };
        open_token(operation, token).map(Some).ok_or_else(bad_token)
    }

    /// Cuts a page off keyed items that begin after the last page's key. Keys, not positions, make tokens, so a page
    /// neither repeats nor skips an item when others come or go meanwhile.
    pub(super) fn cut<T>(
        &self,
        operation: &str,
        default_size: usize,
        items: impl Iterator<Item = (String, T)>,
        view: impl Fn(T) -> Value,
    ) -> Value {
        let size = self
            .max_results
            .unwrap_or(default_size)
            .clamp(1, PAGE_SIZE_BOUND);
        let mut page = Vec::new();
        let mut last = None;
        let mut next_token = None;
        for (key, item) in items {
            if page.len() == size {
                next_token = last.map(|key: String| make_token(operation, &key));
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
pub(super) fn bad_token() -> ApiError {
    ApiError::validation(&[(
        "nextToken".to_owned(),
        "Invalid pagination token".to_owned(),
    )])
}

/// An empty token asks for the first page, as a missing one does.
fn non_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let token = Option::<String>::deserialize(deserializer)?;
    Ok(token.filter(|token| !token.is_empty()))
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

const CHECKSUM_DIGITS: usize = 16;

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
    fn times_have_microseconds_and_an_offset() {
        let at: Timestamp = "2022-12-07T19:15:38.846723Z".parse().unwrap();
        assert_eq!(time_text(at), "2022-12-07T19:15:38.846723+00:00");
        let whole: Timestamp = "2022-12-07T19:15:38Z".parse().unwrap();
        assert_eq!(time_text(whole), "2022-12-07T19:15:38.000000+00:00");
    }

    #[test]
    fn durations_are_those_that_drs_sends() {
        let micros =
            |days: i64, text: i64| SignedDuration::from_micros(days * 86_400_000_000 + text);
        assert_eq!(duration_text(micros(0, 0)), "P0D");
        assert_eq!(duration_text(micros(0, 7_200_000_000)), "PT2H0M0S");
        assert_eq!(
            duration_text(micros(2, 5_532_136_909)),
            "P2DT1H32M12.136909S"
        );
        assert_eq!(duration_text(micros(0, 90_000_000)), "PT1M30S");
    }

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
