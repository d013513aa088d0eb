//! Who calls, for which service, in which Region: from the SigV4 `Authorization` header alone.
//!
//! Signatures are not verified: the secrets are known to everybody who reads this. Their age is, because a launch that is
//! signed with an old time must be refused, as AWS refuses it. Access keys name their account, so that any number of
//! processes agree on them without keeping any.

use drs_engine::sim::iam::{FIRST_USER, Iam};
use drs_engine::time::{after, before};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::http::Request;

/// Access keys of users: this and the twelve digits of the account.
const USER_KEY_PREFIX: &str = "AKIASIM0";

/// Access keys of sessions: this and the twelve digits of the account.
const SESSION_KEY_PREFIX: &str = "ASIASIM0";

/// Session tokens: this, the session as hexadecimal JSON, a dot, a checksum.
const TOKEN_PREFIX: &str = "SIM.";

/// Longest session token that is looked at.
const TOKEN_BOUND_BYTES: usize = 8192;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) account_id: String,
    pub(crate) arn: String,
    pub(crate) user_id: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

/// Why a call is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No `Authorization` header.
    Missing,
    /// A header that cannot be read.
    Incomplete(&'static str),
    /// An access key or a token that this simulator does not know.
    UnknownToken,
    /// The session has ended.
    ExpiredToken,
    /// The signature is too old, or from the future.
    SignatureAge(String),
}

/// Credentials that the simulator accepts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Names the account.
    pub access_key_id: String,
    /// Not a secret: signatures are not verified.
    pub secret_access_key: String,
    /// Only for sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
    /// The account that they belong to.
    pub account_id: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Even these do not belong into logs: who reads a log cannot know that they are not real.
        f.debug_struct("Credentials")
            .field("account_id", &self.account_id)
            .finish_non_exhaustive()
    }
}

/// A session, as its token carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionClaim {
    pub(crate) account_id: String,
    pub(crate) role_name: String,
    pub(crate) session_name: String,
    pub(crate) expires: Timestamp,
}

/// The credentials of the one user of an account.
pub(crate) fn user_credentials(account_id: &str) -> Credentials {
    Credentials {
        access_key_id: format!("{USER_KEY_PREFIX}{account_id}"),
        secret_access_key: secret_of(account_id),
        session_token: None,
        account_id: account_id.to_owned(),
    }
}

/// The credentials of a session of a role.
pub(crate) fn session_credentials(session: &SessionClaim) -> Credentials {
    let json = serde_json::to_string(session).expect("a session has string keys only");
    let payload = hex(json.as_bytes());
    let token = format!("{TOKEN_PREFIX}{payload}.{}", checksum(&payload));
    Credentials {
        access_key_id: format!("{SESSION_KEY_PREFIX}{}", session.account_id),
        secret_access_key: secret_of(&token),
        session_token: Some(token),
        account_id: session.account_id.clone(),
    }
}

/// Reads who calls from a request's headers. Without a greatest age any signature is young enough. Where IAM is enforced,
/// its users have keys of their own.
pub(crate) fn authenticate(
    request: &Request,
    wall: Timestamp,
    max_age: Option<SignedDuration>,
    iam: Option<&Iam>,
) -> Result<Identity, Refusal> {
    let header = request.header("authorization").ok_or(Refusal::Missing)?;
    let fields = header
        .strip_prefix("AWS4-HMAC-SHA256")
        .ok_or(Refusal::Incomplete(
            "the Authorization header is not of Signature Version 4",
        ))?;
    let credential = fields
        .split(',')
        .find_map(|field| field.trim().strip_prefix("Credential="))
        .ok_or(Refusal::Incomplete(
            "Authorization header requires 'Credential' parameter.",
        ))?;
    let scope: Vec<&str> = credential.split('/').collect();
    let [key, _date, region, service, "aws4_request"] = scope[..] else {
        return Err(Refusal::Incomplete(
            "the credential scope must be date/region/service/aws4_request",
        ));
    };
    if !is_label(region) || !is_label(service) {
        return Err(Refusal::Incomplete(
            "the credential scope names no Region or no service",
        ));
    }
    let listed = iam.and_then(|iam| user_of_key(iam, key));
    let (account_id, arn, user_id) = match listed {
        Some(user) => user,
        None => caller(key, request.header("x-amz-security-token"), wall)?,
    };
    if let Some(max_age) = max_age {
        check_age(request.header("x-amz-date"), wall, max_age)?;
    }
    Ok(Identity {
        account_id,
        arn,
        user_id,
        region: region.to_owned(),
        service: service.to_owned(),
    })
}

/// A user that is listed with this key.
fn user_of_key(iam: &Iam, key: &str) -> Option<(String, String, String)> {
    let arn = iam.user_of_key(key)?.arn.clone();
    let account = arn.split(':').nth(4)?.to_owned();
    // Any id will do that is the same for the same user.
    let id = format!(
        "AIDA{}",
        &hex(&Sha256::digest(arn.as_bytes()))[..17].to_uppercase()
    );
    Some((account, arn, id))
}

fn caller(
    key: &str,
    token: Option<&str>,
    wall: Timestamp,
) -> Result<(String, String, String), Refusal> {
    // Other emulators take the account alone for a key, and give it to the functions that they run.
    let account = key.strip_prefix(USER_KEY_PREFIX).unwrap_or(key);
    if is_account_id(account) {
        let arn = format!("arn:aws:iam::{account}:user/{FIRST_USER}");
        return Ok((account.to_owned(), arn, format!("AIDASIM0{account}")));
    }
    let account = key
        .strip_prefix(SESSION_KEY_PREFIX)
        .ok_or(Refusal::UnknownToken)?;
    let session = token.and_then(read_token).ok_or(Refusal::UnknownToken)?;
    if session.account_id != account {
        return Err(Refusal::UnknownToken);
    }
    if session.expires <= wall {
        return Err(Refusal::ExpiredToken);
    }
    let (role, name) = (&session.role_name, &session.session_name);
    let arn = format!("arn:aws:sts::{account}:assumed-role/{role}/{name}");
    Ok((account.to_owned(), arn, format!("AROASIM0{account}:{name}")))
}

fn read_token(token: &str) -> Option<SessionClaim> {
    let (payload, sum) = token
        .strip_prefix(TOKEN_PREFIX)
        .filter(|token| token.len() <= TOKEN_BOUND_BYTES)?
        .split_once('.')?;
    if checksum(payload) != sum {
        return None;
    }
    serde_json::from_slice(&unhex(payload)?).ok()
}

fn check_age(date: Option<&str>, wall: Timestamp, max_age: SignedDuration) -> Result<(), Refusal> {
    let text = date.ok_or(Refusal::Incomplete(
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    ))?;
    let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text)
        .ok()
        .and_then(|date| jiff::tz::Offset::UTC.to_timestamp(date).ok())
        .ok_or(Refusal::Incomplete(
            "Date in the X-Amz-Date header must be in ISO 8601 basic format",
        ))?;
    let compact = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let age = wall.duration_since(signed);
    let span = span_of(max_age);
    if age > max_age {
        let oldest = before(wall, max_age);
        let (oldest, now) = (compact(oldest), compact(wall));
        let message =
            format!("Signature expired: {text} is now earlier than {oldest} ({now} - {span}.)");
        return Err(Refusal::SignatureAge(message));
    }
    if age < -max_age {
        let newest = after(wall, max_age);
        let (newest, now) = (compact(newest), compact(wall));
        let message = format!(
            "Signature not yet current: {text} is still later than {newest} ({now} + {span}.)"
        );
        return Err(Refusal::SignatureAge(message));
    }
    Ok(())
}

fn span_of(age: SignedDuration) -> String {
    let seconds = age.as_secs();
    if seconds % 60 == 0 {
        format!("{} min", seconds / 60)
    } else {
        format!("{seconds} s")
    }
}

/// Twelve digits.
pub(crate) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A word as Regions and services have it. They become parts of file names, so nothing else is let through.
fn is_label(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn secret_of(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))[..40].to_owned()
}

fn checksum(payload: &str) -> String {
    hex(&Sha256::digest(format!("session {payload}").as_bytes()))[..16].to_owned()
}

/// Bytes as hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => {
                let digit = |byte: &u8| (*byte as char).to_digit(16);
                u8::try_from(digit(high)? * 16 + digit(low)?).ok()
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    const FIVE_MINUTES: SignedDuration = SignedDuration::from_mins(5);

    fn wall() -> Timestamp {
        "2026-11-24T15:00:00Z".parse().unwrap()
    }

    fn request(headers: &[(&str, &str)]) -> Request {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.insert(name, HeaderValue::from_str(value).unwrap());
        }
        Request {
            method: "POST".into(),
            path: "/".into(),
            query: String::new(),
            headers: map,
            body: Vec::new(),
        }
    }

    fn scope(key: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/20261124/eu-west-1/drs/aws4_request, SignedHeaders=host, Signature=0"
        )
    }

    fn try_key(key: &str, token: Option<&str>, date: &str) -> Result<Identity, Refusal> {
        let scope = scope(key);
        let mut headers = vec![("authorization", scope.as_str()), ("x-amz-date", date)];
        headers.extend(token.map(|token| ("x-amz-security-token", token)));
        authenticate(&request(&headers), wall(), Some(FIVE_MINUTES), None)
    }

    #[test]
    fn a_user_key_names_account_region_and_service() {
        let identity = try_key("AKIASIM0111122223333", None, "20261124T145501Z").unwrap();
        assert_eq!(identity.account_id, "111122223333");
        assert_eq!(
            (identity.region.as_str(), identity.service.as_str()),
            ("eu-west-1", "drs")
        );
    }

    #[test]
    fn a_session_is_known_until_it_expires() {
        let mut session = SessionClaim {
            account_id: "444455556666".into(),
            role_name: "dr".into(),
            session_name: "night".into(),
            expires: wall() + SignedDuration::from_secs(1),
        };
        let good = session_credentials(&session);
        let date = "20261124T150000Z";
        let identity = try_key(&good.access_key_id, good.session_token.as_deref(), date).unwrap();
        assert_eq!(
            identity.arn,
            "arn:aws:sts::444455556666:assumed-role/dr/night"
        );
        session.expires = wall();
        let ended = session_credentials(&session);
        let refused = try_key(&ended.access_key_id, ended.session_token.as_deref(), date);
        assert_eq!(refused, Err(Refusal::ExpiredToken));
        let other_account = try_key("ASIASIM0111122223333", good.session_token.as_deref(), date);
        assert_eq!(other_account, Err(Refusal::UnknownToken));
        let bent = good.session_token.unwrap().replace('7', "8");
        assert_eq!(
            try_key("ASIASIM0444455556666", Some(&bent), date),
            Err(Refusal::UnknownToken)
        );
    }

    #[test]
    fn a_listed_user_has_a_key_of_its_own() {
        let listed: Iam = serde_json::from_value(serde_json::json!({"principals": [{
            "arn": "arn:aws:iam::444455556666:user/ops/ada",
            "access_key_id": "AKIAEXAMPLEEXAMPLE00",
        }]}))
        .unwrap();
        let scope = scope("AKIAEXAMPLEEXAMPLE00");
        let headers = [
            ("authorization", scope.as_str()),
            ("x-amz-date", "20261124T150000Z"),
        ];
        let read = |iam| authenticate(&request(&headers), wall(), Some(FIVE_MINUTES), iam);
        let identity = read(Some(&listed)).unwrap();
        assert_eq!(identity.arn, "arn:aws:iam::444455556666:user/ops/ada");
        assert_eq!(identity.account_id, "444455556666");
        assert_eq!(read(None), Err(Refusal::UnknownToken));
    }

    #[test]
    fn an_account_alone_is_a_key_of_its_user() {
        let date = "20261124T150000Z";
        let alone = try_key("111122223333", None, date).unwrap();
        let named = try_key("AKIASIM0111122223333", None, date).unwrap();
        assert_eq!(alone, named);
        // An empty token is what a function without a session is given.
        assert_eq!(try_key("111122223333", Some(""), date).unwrap(), named);
    }

    #[test]
    fn unknown_keys_are_refused() {
        for key in [
            "AKIAIOSFODNN7EXAMPLE",
            "AKIASIM0",
            "AKIASIM011112222333x",
            "test",
        ] {
            assert_eq!(
                try_key(key, None, "20261124T150000Z"),
                Err(Refusal::UnknownToken),
                "{key}"
            );
        }
    }

    #[test]
    fn the_age_of_a_signature_counts_in_both_directions() {
        let key = "AKIASIM0111122223333";
        assert!(try_key(key, None, "20261124T145500Z").is_ok());
        assert!(try_key(key, None, "20261124T150500Z").is_ok());
        let old = "Signature expired: 20261124T145459Z is now earlier than 20261124T145500Z (20261124T150000Z - 5 \
                   min.)";
        assert_eq!(
            try_key(key, None, "20261124T145459Z"),
            Err(Refusal::SignatureAge(old.into()))
        );
        let early = "Signature not yet current: 20261124T150501Z is still later than \
                     20261124T150500Z (20261124T150000Z + 5 min.)";
        assert_eq!(
            try_key(key, None, "20261124T150501Z"),
            Err(Refusal::SignatureAge(early.into()))
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let read = |headers: &[(&str, &str)]| {
            authenticate(&request(headers), wall(), Some(FIVE_MINUTES), None)
        };
        assert_eq!(read(&[]), Err(Refusal::Missing));
        for header in [
            "",
            "Basic x",
            "AWS4-HMAC-SHA256 Credential=a/b",
            "AWS4-HMAC-SHA256 Credential=a/b/../drs/aws4_request",
        ] {
            assert!(
                matches!(
                    read(&[("authorization", header)]),
                    Err(Refusal::Incomplete(_))
                ),
                "{header}"
            );
        }
        let date = try_key("AKIASIM0111122223333", None, "yesterday");
        assert!(matches!(date, Err(Refusal::Incomplete(_))));
    }
}
