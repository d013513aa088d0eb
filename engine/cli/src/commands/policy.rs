//! `drsctl policy`: the IAM policy of whoever needs rights, to be put into a role.

use drs_engine::iam::{self, Names, Policy, Principal};

use crate::cli::{self, Place};
use crate::connect;
use crate::failure::{Ending, Failure};
use crate::screen::Screen;

pub(crate) async fn policy(
    place: &Place,
    asked: &cli::Policy,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let principal: Principal = asked
        .principal
        .parse()
        .map_err(|error: iam::UnknownPrincipal| Failure::new(error.to_string()))?;
    let names = names(place, asked).await?;
    let policy = iam::policy(principal, &names).map_err(|error| {
        Failure::new(error.to_string())
            .help("`drsctl policy --help` has the options that name what there is.")
    })?;
    let json = policy.json();
    // Indented, because it is put into files that people read; it is one JSON document all the same.
    screen.print_raw(&format!("{json:#}\n"))?;
    if let Some(note) = too_long(policy.length()) {
        screen.note(&note);
    }
    Ok(Ending::Success)
}

/// Where a policy goes that is too long for a managed one.
fn too_long(length: usize) -> Option<String> {
    let (managed, inline) = (Policy::MANAGED_CHARS, Policy::INLINE_CHARS);
    let way = match length {
        _ if length <= managed => return None,
        _ if length <= inline => format!(
            "make it an inline policy of the role (at most {inline}), or split it by its statements"
        ),
        _ => format!(
            "split it by its statements into several; an inline policy of a role has at most {inline}"
        ),
    };
    Some(format!(
        "It has {length} characters, and a managed policy has at most {managed}: {way}."
    ))
}

/// What was typed; where that says nothing, what is configured, and whose credentials these are.
async fn names(place: &Place, asked: &cli::Policy) -> Result<Names, Failure> {
    let settings = connect::settings(place)?;
    let environment = settings.environment_name().to_owned();
    let (account_id, partition, region, history_region) =
        match (&asked.account, settings.region.clone()) {
            (Some(account), Some(region)) => {
                let history_region = settings
                    .history_region
                    .clone()
                    .unwrap_or_else(|| region.clone());
                (account.clone(), "aws".to_owned(), region, history_region)
            }
            (account, _) => {
                let session = connect::connect(settings).await?.session;
                let own = session.identity().clone();
                let account = account.clone().unwrap_or(own.account_id);
                let (region, history) = (
                    session.region().to_owned(),
                    session.history_region().to_owned(),
                );
                (account, own.partition, region, history)
            }
        };
    let set = |texts: &[String]| texts.iter().cloned().collect();
    let regions = if asked.regions.is_empty() {
        vec![region]
    } else {
        asked.regions.clone()
    };
    Ok(Names {
        partition: asked.partition.clone().unwrap_or(partition),
        account_id,
        regions: set(&regions),
        history_region,
        environment,
        functions: set(&asked.functions),
        commands: set(&asked.commands),
        automations: set(&asked.automations),
        topics: set(&asked.topics),
        spoke_roles: set(&asked.target_roles),
        instance_roles: set(&asked.instance_roles),
        runner_function: asked.runner_function.clone(),
        sweeper_function: asked.sweeper_function.clone(),
        drill_machine: asked.drill_machine.clone(),
        recovery_machine: asked.recovery_machine.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_is_too_long_goes_where_it_fits() {
        assert_eq!(too_long(6_144), None);
        let inline = too_long(10_240).expect("it fits no managed policy");
        assert!(inline.contains("make it an inline policy"), "{inline}");
        let neither = too_long(10_241).expect("it fits neither");
        assert!(!neither.contains("make it an inline policy"), "{neither}");
    }
}
