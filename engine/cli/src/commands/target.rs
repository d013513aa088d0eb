//! `drsctl target`: the accounts that may be worked in beside the session's own, and the roles in them.

use drs_engine::ports::Clock as _;
use drs_engine::report;
use drs_engine::store::target::{ExternalId, TargetAccount, TargetConfig};
use drs_engine::store::targets::TargetError;
use drs_engine_aws::{Session, TargetCheck, TargetFinding, TargetOutcome, fresh};
use serde_json::{Value, json};

use crate::cli::target as asked;
use crate::failure::{Ending, Failure};
use crate::screen::Screen;

/// Does what was asked about targets.
pub(crate) async fn target(
    session: &Session,
    asked: &asked::TargetAction,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    match asked {
        asked::TargetAction::Add(asked) => add(session, asked, screen).await,
        asked::TargetAction::List(asked) => list(session, asked, screen).await,
        asked::TargetAction::Show(asked) => show(session, asked, screen).await,
        asked::TargetAction::Check(asked) => check(session, asked, screen).await,
        asked::TargetAction::Remove(asked) => remove(session, asked, screen).await,
    }
}

async fn add(
    session: &Session,
    asked: &asked::TargetAdd,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let account = &asked.account;
    if *account == session.identity().account_id {
        return Err(Failure::new(format!(
            "{account} is the account of these credentials, and needs no target: they are used there in every Region"
        ))
        .safe("Nothing was changed.")
        .help(format!("`drsctl target check {account}` tries them.")));
    }
    let config = TargetConfig {
        name: asked.name.clone(),
        description: asked.description.clone(),
        regions: asked.regions.iter().cloned().collect(),
        role_arn: asked.role_arn.clone(),
        session_name: asked.session_name.clone(),
        session_duration_seconds: asked.session_duration,
    };
    let (targets, now) = (session.targets(), session.clock().now());
    let (target, done) = if asked.replace {
        (targets.update(account, config, now).await, "changed")
    } else {
        let imported = asked.external_id.as_ref().map(ExternalId::new);
        let external_id = imported.unwrap_or_else(fresh::external_id);
        let made = targets.create(account, config, external_id, now).await;
        (made, "added")
    };
    let target = target.map_err(|error| unwritten(account, &error))?;
    if asked.output.is_json() {
        screen.print_raw(&format!("{}\n", document(session, &target)))?;
        return Ok(Ending::Success);
    }
    screen.print(&format!("target {account} {done}\n"))?;
    print_whole(session, &target, screen)?;
    screen.print(&format!(
        "next:\n- write the role with this trust policy; the least permissions that it needs are in docs/guides/targets.md\n- \
         `drsctl target check {account}` tries the role"
    ))?;
    Ok(Ending::Success)
}

async fn list(
    session: &Session,
    asked: &asked::TargetList,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let targets = session
        .targets()
        .list()
        .await
        .map_err(|error| unreadable(&error))?;
    if asked.output.is_json() {
        let documents: Vec<Value> = targets
            .iter()
            .map(|target| document(session, target))
            .collect();
        screen.print_raw(&format!("{}\n", json!({"targets": documents})))?;
        return Ok(Ending::Success);
    }
    if targets.is_empty() {
        screen.print("There are no targets. `drsctl target add ACCOUNT --regions REGION --role-arn ARN` adds one.")?;
        return Ok(Ending::Success);
    }
    let mut rows = vec![
        ["ACCOUNT", "NAME", "REGIONS", "ROLE"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    rows.extend(targets.iter().map(|target| {
        let config = &target.config;
        vec![
            target.account_id.clone(),
            config.name.clone().unwrap_or_else(|| "-".to_owned()),
            regions(target),
            config.role_arn.clone(),
        ]
    }));
    screen.print_cut(&report::columns(&rows))?;
    Ok(Ending::Success)
}

async fn show(
    session: &Session,
    asked: &asked::TargetShow,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let target = existing(session, &asked.account).await?;
    if asked.output.is_json() {
        screen.print_raw(&format!("{}\n", document(session, &target)))?;
    } else {
        screen.print(&format!("target {}\n", target.account_id))?;
        print_whole(session, &target, screen)?;
    }
    Ok(Ending::Success)
}

async fn check(
    session: &Session,
    asked: &asked::TargetCheck,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let check = session.check_target(&asked.account).await;
    if asked.output.is_json() {
        screen.print_raw(&format!("{}\n", check_document(&check)))?;
    } else {
        let lines: Vec<String> = check.findings.iter().map(line).collect();
        screen.print(&lines.join("\n"))?;
        let verdict = if check.works() {
            format!("\ntarget {} can be worked in", check.account_id)
        } else {
            format!(
                "\ntarget {} cannot be worked in as it is. Nothing was changed; `drsctl target check {}` asks again",
                check.account_id, check.account_id
            )
        };
        screen.print(&verdict)?;
    }
    Ok(if check.works() {
        Ending::Success
    } else {
        Ending::NotReady
    })
}

async fn remove(
    session: &Session,
    asked: &asked::TargetRemove,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let account = &asked.account;
    let target = existing(session, account).await?;
    session
        .targets()
        .delete(account, asked.instances())
        .await
        .map_err(|error| unwritten(account, &error))?;
    if asked.output.is_json() {
        screen.print_raw(&format!(
            "{}\n",
            json!({"account_id": account, "removed": true})
        ))?;
    } else {
        screen.print(&format!(
            "target {account} removed. Its role {} is still there, and nothing assumes it any more",
            target.config.role_arn
        ))?;
    }
    Ok(Ending::Success)
}

async fn existing(session: &Session, account: &str) -> Result<TargetAccount, Failure> {
    let found = session.targets().find(account).await;
    let missing = || TargetError::Missing(account.to_owned());
    found
        .map_err(|error| unreadable(&error))?
        .ok_or_else(|| unwritten(account, &missing()))
}

fn unreadable(error: &impl std::fmt::Display) -> Failure {
    Failure::new(format!("the targets cannot be read: {error}"))
        .safe("Nothing was changed.")
        .help("`drsctl tables check` says whether the tables are there and fit.")
}

fn unwritten(account: &str, error: &TargetError) -> Failure {
    let help = match error {
        TargetError::Missing(_) => format!(
            "`drsctl target add {account} --regions REGION --role-arn ARN`, or a drs_target_account, makes it one; `drsctl \
             target list` shows those that are."
        ),
        TargetError::Exists(_) => format!(
            "`drsctl target show {account}` shows it, and `drsctl target add {account} --replace --regions REGION \
             --role-arn ARN` changes it."
        ),
        TargetError::Invalid(_) => {
            "`drsctl target add --help` says what may be written.".to_owned()
        }
        TargetError::InUse { .. } => {
            "Delete those groups, or give them other servers, first.".to_owned()
        }
        TargetError::HasInstances {
            regions,
            executions,
            ..
        } => {
            let newest = executions
                .first()
                .map_or("EXECUTION", |(id, _)| id.as_str());
            let terminate = format!(
                "Nothing could terminate them afterwards. `drsctl terminate {newest} --reason TEXT` terminates what an execution \
                 launched"
            );
            if regions.is_some() {
                format!("{terminate}.")
            } else {
                format!(
                    "{terminate}; `drsctl target remove {account} --leave-instances` removes the target, and leaves them to \
                     whoever has the account."
                )
            }
        }
        TargetError::Changed(_) | TargetError::Contended(_) => {
            format!("`drsctl target show {account}` shows it as it is now; then do it again.")
        }
        TargetError::Read(_) => {
            "`drsctl tables check` says whether the tables are there and fit.".to_owned()
        }
    };
    Failure::new(error.to_string())
        .safe("Nothing was changed.")
        .help(help)
}

fn regions(target: &TargetAccount) -> String {
    let regions: Vec<&str> = target.config.regions.iter().map(String::as_str).collect();
    regions.join(",")
}

fn print_whole(
    session: &Session,
    target: &TargetAccount,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let config = &target.config;
    let mut rows = vec![
        ("role", config.role_arn.clone()),
        ("regions", regions(target)),
        ("external id", target.external_id.as_str().to_owned()),
    ];
    let optional = [
        ("name", config.name.clone()),
        ("description", config.description.clone()),
        ("session name", config.session_name.clone()),
        (
            "session",
            config
                .session_duration_seconds
                .map(|seconds| format!("{seconds} s")),
        ),
    ];
    rows.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(name, value)| vec![format!("  {name}"), value])
        .collect();
    screen.print(&report::columns(&rows))?;
    screen.print("\ntrust policy of the role:")?;
    // As it is, so that it can be copied.
    screen.print_raw(&format!(
        "{:#}\n\n",
        session.trust_policy(&target.external_id)
    ))?;
    Ok(())
}

fn document(session: &Session, target: &TargetAccount) -> Value {
    let config = &target.config;
    json!({
        "account_id": target.account_id,
        "name": config.name,
        "description": config.description,
        "regions": config.regions,
        "role_arn": config.role_arn,
        "external_id": target.external_id.as_str(),
        "session_name": config.session_name,
        "session_duration_seconds": config.session_duration_seconds,
        "version": target.version,
        "created_at": target.created_at,
        "modified_at": target.modified_at,
        "trust_policy": session.trust_policy(&target.external_id),
    })
}

fn line(finding: &TargetFinding) -> String {
    let mark = match finding.outcome {
        TargetOutcome::Works => "ok     ",
        _ => "missing",
    };
    let place = finding.region.as_deref().unwrap_or("account");
    format!("{mark} {place}: {}: {}", finding.action, finding.text)
}

fn check_document(check: &TargetCheck) -> Value {
    let findings: Vec<Value> = check
        .findings
        .iter()
        .map(|finding| {
            json!({
                "region": finding.region,
                "action": finding.action,
                "outcome": finding.outcome.as_str(),
                "text": finding.text,
            })
        })
        .collect();
    json!({
        "account_id": check.account_id,
        "role_arn": check.role_arn,
        "works": check.works(),
        "findings": findings,
    })
}
