//! Whether servers of an account and a Region can be worked in: what groups and data sources say about it.
//!
//! The provider's own account needs no target. Whether a call may be made for any other is decided where it is made; here
//! it is said in time, at the attribute that is wrong.

use std::collections::BTreeSet;

use drs_engine::ids::Target;
use drs_engine::ports::{CallError, ROLE_NOT_ASSUMABLE, TARGET_NOT_CONFIGURED};
use drs_engine::store::target::{is_account_id, is_region};
use tfplugin::schema::validator;
use tfplugin::{Attr, Diagnostic, Value};

use crate::client::Client;

/// Why nothing of an account and a Region can be worked in.
pub(crate) enum Closed {
    /// An account that is no target, or a Region that its target does not list: the attribute, and what helps.
    At(&'static str, String),
    /// The targets cannot be read.
    Unreadable(Diagnostic),
}

impl From<Closed> for Diagnostic {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::At(attribute, detail) => Self::error(NOT_CONFIGURED, detail).at(attribute),
            Closed::Unreadable(error) => error,
        }
    }
}

/// The summary of what is said about a place that is no target.
pub(crate) const NOT_CONFIGURED: &str = "Target Not Configured";

/// A rule for the id of an account.
pub(crate) fn an_account() -> impl validator::Validator {
    validator::check(
        "must be the 12 digits of an AWS account",
        |value: &Value| value.as_str().is_some_and(is_account_id),
    )
}

/// A rule for the name of a Region.
pub(crate) fn a_region() -> impl validator::Validator {
    validator::check(
        "must be the name of an AWS Region, such as us-east-1",
        |value: &Value| value.as_str().is_some_and(is_region),
    )
}

/// Refuses an account that is neither a target nor the provider's own.
pub(crate) async fn exists(client: &Client, account: &str) -> Result<(), Diagnostic> {
    if *account == client.target().account_id {
        return Ok(());
    }
    let found = client.nothing_without_tables(client.session().targets().find(account).await);
    match found.map_err(|error| client.explain(&error))? {
        Some(_) => Ok(()),
        None => Err(not_a_target(client, account).into()),
    }
}

/// Where servers can be looked at now. None while the place is not known, and while its target is to be made or changed in
/// the same apply.
///
/// The error is about an account that is no target, or a Region that its target does not list.
pub(crate) async fn reachable(
    client: &Client,
    account_id: &Attr<String>,
    region: &Attr<String>,
) -> Result<Option<Target>, Closed> {
    let Some(account) = account_id.known() else {
        return Ok(None);
    };
    let place = region.known().map(|region| Target {
        account_id: account.clone(),
        region: region.clone(),
    });
    if *account == client.target().account_id {
        return Ok(place);
    }
    let stored = client.nothing_without_tables(client.session().targets().find(account).await);
    let stored = stored.map_err(|error| Closed::Unreadable(client.explain(&error)))?;
    let stored = stored.map(|target| target.config.regions);
    let lists =
        |regions: &BTreeSet<String>| region.known().is_none_or(|region| regions.contains(region));
    let (regions, will_be) = match client.planned().target(account) {
        Some(Attr::Known(planned)) => {
            let will_be = lists(&planned);
            (planned, will_be)
        }
        Some(_) => (BTreeSet::new(), true),
        None => match &stored {
            Some(stored) => (stored.clone(), lists(stored)),
            None => return Err(not_a_target(client, account)),
        },
    };
    match place {
        Some(place) if !will_be => Err(not_listed(&place, &regions)),
        place => Ok(place.filter(|_| stored.as_ref().is_some_and(lists))),
    }
}

/// The same once everything is applied that it depends on: what is not there now is not there.
pub(crate) async fn reached(client: &Client, target: &Target) -> Result<(), Diagnostic> {
    let (account, region) = (&target.account_id, &target.region);
    let found = reachable(client, &account.as_str().into(), &region.as_str().into()).await?;
    match found {
        Some(_) => Ok(()),
        None => Err(not_a_target(client, account).into()),
    }
}

/// Whether a call was not made because the role of its account could not be assumed, which may pass: a role that was just
/// written is not known everywhere at once.
pub(crate) fn is_not_assumable(error: &CallError) -> bool {
    error.code == ROLE_NOT_ASSUMABLE
}

/// A warning about a way into another account that is closed now, and that the same apply may open: with its target, or with
/// the role of it.
pub(crate) fn repairable(client: &Client, error: &CallError) -> Option<Diagnostic> {
    let is_repairable = [TARGET_NOT_CONFIGURED, ROLE_NOT_ASSUMABLE].contains(&error.code.as_str());
    is_repairable.then(|| {
        let detail = format!(
            "{} Nothing is launched as things are now: an execution that starts is refused.",
            client.explain_call(error).detail
        );
        Diagnostic::warning("An Execution Would Be Refused", detail)
    })
}

fn not_a_target(client: &Client, account: &str) -> Closed {
    Closed::At(
        "account_id",
        format!(
            "Account {account} is not a target of environment {:?}, and the provider's credentials, \
             those of account {}, are never used in another account. Make it one with a drs_target_account, and refer to it \
             here, account_id = drs_target_account.<name>.id, so that it is made first; or with `drsctl target add \
             {account} --regions REGION --role-arn ARN`.",
            client.session().environment(),
            client.target().account_id
        ),
    )
}

fn not_listed(place: &Target, listed: &BTreeSet<String>) -> Closed {
    let Target { account_id, region } = place;
    let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
    Closed::At(
        "region",
        format!(
            "The target of account {account_id} does not list the Region {region}; it lists {}. Add it to regions of its \
             drs_target_account, or with `drsctl target add {account_id} --replace --regions REGION --role-arn ARN`; or \
             name a Region that it lists.",
            listed.join(", ")
        ),
    )
}
