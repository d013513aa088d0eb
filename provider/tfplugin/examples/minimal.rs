//! A whole provider in one file: notes, kept as JSON files in a directory.
//!
//! ```hcl
//! terraform {
//!   required_providers {
//!     minimal = { source = "registry.terraform.io/example/minimal" }
//!   }
//! }
//!
//! provider "minimal" {
//!   directory = "/tmp/notes"
//! }
//!
//! resource "minimal_note" "hello" {
//!   name = provider::minimal::slug("Hello, world")
//!   text = "Hello, world."
//! }
//!
//! # With Terraform 1.14: terraform apply -invoke=action.minimal_append.more
//! action "minimal_append" "more" {
//!   config {
//!     name = minimal_note.hello.name
//!     text = "And good night."
//!   }
//! }
//! ```
//!
//! `minimal schema` prints what `terraform providers schema -json` would.
//!
//! The integration tests drive this binary over its plugin socket.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tfplugin::{
    Action, Attr, Attribute, Catalog, Configure, Configured, Context, Create, DataSource, Delete,
    Diagnostic, Diagnostics, Function, FunctionError, IdentitySchema, Outcome, Parameter, Path,
    Plan, Progress, Provider, Read, Resource, Schema, Signature, Type, Update, async_trait,
    schema::validator,
};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("schema") {
        println!("{:#}", tfplugin::schema_json(&Minimal));
        return ExitCode::SUCCESS;
    }
    tfplugin::serve(Minimal)
}

/// The provider.
struct Minimal;

/// The provider block.
#[derive(Debug, Deserialize)]
struct Config {
    directory: Attr<String>,
}

/// Where the notes are.
struct Notes {
    directory: PathBuf,
}

#[async_trait]
impl Provider for Minimal {
    type Config = Config;
    type Client = Notes;

    fn address(&self) -> &str {
        "registry.terraform.io/example/minimal"
    }

    fn schema(&self) -> Schema {
        Schema::new("Keeps notes in a directory.").attribute(
            "directory",
            Attribute::string()
                .required()
                .describe("The directory of the notes. It must exist."),
        )
    }

    fn catalog(&self) -> Catalog<Notes> {
        Catalog::new()
            .resource(Note)
            .data_source(NoteSource)
            .action(Append)
            .function(Slug)
    }

    async fn configure(
        &self,
        request: Configure<Config>,
    ) -> Result<Configured<Notes>, Diagnostics> {
        match request.config.directory {
            Attr::Known(directory) => Ok(Configured::ready(Notes {
                directory: directory.into(),
            })),
            Attr::Null | Attr::Unknown => Ok(Configured::later()),
        }
    }
}

/// What a note's file holds.
#[derive(Debug, Deserialize, Serialize)]
struct Stored {
    text: String,
    revision: i64,
    tags: Attr<BTreeSet<String>>,
    links: Attr<Vec<Link>>,
}

impl Notes {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.json"))
    }

    fn load(&self, name: &str) -> Result<Option<Stored>, Diagnostic> {
        match std::fs::read(self.path(name)) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| failed("read", name, &error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", name, &error)),
        }
    }

    fn save(&self, name: &str, note: &Stored) -> Result<(), Diagnostic> {
        let bytes = serde_json::to_vec(note).map_err(|error| failed("write", name, &error))?;
        std::fs::write(self.path(name), bytes).map_err(|error| failed("write", name, &error))
    }
}

fn failed(verb: &str, name: &str, error: &dyn std::error::Error) -> Diagnostic {
    let detail = format!("The note {name:?} cannot be {verb}: {error}. Check the directory.");
    Diagnostic::error("Note Not Accessible", detail)
}

/// The managed resource `minimal_note`.
struct Note;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct NoteModel {
    id: Attr<String>,
    name: Attr<String>,
    text: Attr<String>,
    tags: Attr<BTreeSet<String>>,
    links: Attr<Vec<Link>>,
    digest: Attr<String>,
    revision: Attr<i64>,
    delay_ms: Attr<i64>,
    hold_ms: Attr<i64>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Link {
    url: Attr<String>,
    title: Attr<String>,
}

impl NoteModel {
    fn stored(&self, revision: i64) -> Result<Stored, Diagnostic> {
        Ok(Stored {
            text: self.text.require("text")?.clone(),
            revision,
            tags: self.tags.clone(),
            links: self.links.clone(),
        })
    }

    /// The planned model with what is known after writing.
    fn saved(mut self, stored: &Stored) -> Self {
        self.id = self.name.clone();
        self.revision = Attr::Known(stored.revision);
        self
    }

    /// A pure function of the configuration, so it can be planned.
    fn digest(&self) -> Attr<String> {
        self.text
            .as_ref()
            .map(|text| format!("{} characters", text.chars().count()))
    }
}

#[async_trait]
impl Resource for Note {
    type Model = NoteModel;
    type Client = Notes;

    fn type_name(&self) -> &'static str {
        "minimal_note"
    }

    fn schema(&self) -> Schema {
        Schema::new("A note in a file.")
            .attribute(
                "id",
                Attribute::string()
                    .computed()
                    .use_state_for_unknown()
                    .describe("The name."),
            )
            .attribute(
                "name",
                Attribute::string()
                    .required()
                    .requires_replace()
                    .validate(validator::length(1, 64))
                    .describe("Names the file. A change makes a new note."),
            )
            .attribute(
                "text",
                Attribute::string()
                    .required()
                    .describe("What the note says."),
            )
            .attribute(
                "tags",
                Attribute::set(Type::String)
                    .optional()
                    .describe("Words to find it by."),
            )
            .attribute(
                "links",
                Attribute::list_nested(link())
                    .optional()
                    .describe("Places to look at."),
            )
            .attribute(
                "digest",
                Attribute::string()
                    .computed()
                    .describe("A summary of the text."),
            )
            .attribute(
                "revision",
                Attribute::number()
                    .computed()
                    .describe("How often it was written."),
            )
            .attribute(
                "delay_ms",
                Attribute::number()
                    .optional()
                    .validate(validator::integer(0, 3_600_000))
                    .describe(
                        "How long to wait before writing. Interrupting it leaves revision 0.",
                    ),
            )
            .attribute(
                "hold_ms",
                Attribute::number()
                    .optional()
                    .validate(validator::integer(0, 3_600_000))
                    .describe("How long writing takes. Nothing interrupts it."),
            )
    }

    /// With this, a note can also be imported with `identity = { id = "hello" }`.
    fn identity(&self) -> Option<IdentitySchema> {
        Some(IdentitySchema::new(0).required_for_import("id", Type::String, "The name."))
    }

    async fn validate(&self, config: NoteModel) -> Diagnostics {
        let mut found = Diagnostics::new();
        if config.name.known().is_some_and(|name| name.contains('/')) {
            let detail = "A note cannot be in another directory. Remove the slash.";
            found.error_at("name", "Invalid Note Name", detail);
        }
        found
    }

    async fn modify_plan(&self, _: &Context<Notes>, plan: &mut Plan<NoteModel>) {
        if plan.is_destroy() {
            plan.diagnostics.push(Diagnostic::warning(
                "Notes Have No Backup",
                "What is destroyed cannot be brought back.",
            ));
        }
        if let Some(planned) = &mut plan.planned {
            planned.digest = planned.digest();
        }
    }

    async fn create(
        &self,
        cx: &Context<Notes>,
        request: Create<NoteModel>,
    ) -> Result<Outcome<NoteModel>, Diagnostics> {
        let notes = cx.client()?;
        let planned = request.planned;
        let name = planned.name.require("name")?.clone();
        let delay = planned.delay_ms.known().copied().unwrap_or(0);
        let began = Instant::now();
        tracing::info!(name, "waiting");
        let whole = cx.sleep(Duration::from_millis(delay.unsigned_abs())).await;
        let stored = planned.stored(i64::from(whole))?;
        // The file is written and noted in one piece, whatever else ends this process.
        let section = cx.critical_section().await;
        tracing::info!(name, "writing");
        let hold = planned.hold_ms.known().copied().unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(hold.unsigned_abs())).await;
        notes.save(&name, &stored)?;
        drop(section);
        let outcome = Outcome::state(planned.saved(&stored));
        if whole {
            return Ok(outcome);
        }
        Ok(outcome.with(Diagnostic::warning(
            "Interrupted",
            format!(
                "The note was written after {} ms already.",
                began.elapsed().as_millis()
            ),
        )))
    }

    async fn read(
        &self,
        cx: &Context<Notes>,
        request: Read<NoteModel>,
    ) -> Result<Outcome<NoteModel>, Diagnostics> {
        let mut state = request.state;
        let Some(stored) = cx.client()?.load(state.id.require("id")?)? else {
            return Ok(Outcome::gone());
        };
        state.name = state.id.clone();
        state.revision = Attr::Known(stored.revision);
        state.text = Attr::Known(stored.text);
        state.tags = stored.tags;
        state.links = stored.links;
        state.digest = state.digest();
        Ok(Outcome::state(state))
    }

    async fn update(
        &self,
        cx: &Context<Notes>,
        request: Update<NoteModel>,
    ) -> Result<Outcome<NoteModel>, Diagnostics> {
        let revision = request.prior.revision.known().copied().unwrap_or(0) + 1;
        let stored = request.planned.stored(revision)?;
        cx.client()?
            .save(request.planned.name.require("name")?, &stored)?;
        Ok(Outcome::state(request.planned.saved(&stored)))
    }

    async fn delete(
        &self,
        cx: &Context<Notes>,
        request: Delete<NoteModel>,
    ) -> Result<Outcome<NoteModel>, Diagnostics> {
        let name = request.prior.id.require("id")?;
        match std::fs::remove_file(cx.client()?.path(name)) {
            Ok(()) => Ok(Outcome::gone()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Outcome::gone()),
            Err(error) => Err(failed("removed", name, &error).into()),
        }
    }

    async fn import(
        &self,
        _: &Context<Notes>,
        id: &str,
    ) -> Result<Outcome<NoteModel>, Diagnostics> {
        Ok(Outcome::state(NoteModel {
            id: id.into(),
            ..NoteModel::default()
        }))
    }
}

/// The attributes of one link.
fn link() -> [(&'static str, Attribute); 2] {
    [
        ("url", Attribute::string().required().describe("Where to.")),
        (
            "title",
            Attribute::string()
                .default_value("link")
                .describe("What to show."),
        ),
    ]
}

/// The data source `minimal_note`.
struct NoteSource;

#[derive(Debug, Default, Deserialize, Serialize)]
struct NoteSourceModel {
    name: Attr<String>,
    text: Attr<String>,
    revision: Attr<i64>,
}

#[async_trait]
impl DataSource for NoteSource {
    type Model = NoteSourceModel;
    type Client = Notes;

    fn type_name(&self) -> &'static str {
        "minimal_note"
    }

    fn schema(&self) -> Schema {
        Schema::new("Reads a note.")
            .attribute(
                "name",
                Attribute::string().required().describe("Which note."),
            )
            .attribute(
                "text",
                Attribute::string().computed().describe("What it says."),
            )
            .attribute(
                "revision",
                Attribute::number()
                    .computed()
                    .describe("How often it was written."),
            )
    }

    async fn read(
        &self,
        cx: &Context<Notes>,
        mut config: NoteSourceModel,
    ) -> Result<Outcome<NoteSourceModel>, Diagnostics> {
        let name = config.name.require("name")?;
        let Some(stored) = cx.client()?.load(name)? else {
            let detail = format!("There is no note {name:?}.");
            return Err(Diagnostic::error("Note Not Found", detail)
                .at(Path::from("name"))
                .into());
        };
        config.text = Attr::Known(stored.text);
        config.revision = Attr::Known(stored.revision);
        Ok(Outcome::state(config))
    }
}

/// The function `provider::minimal::slug`.
struct Slug;

impl Function for Slug {
    type Arguments = (String,);
    type Output = String;

    fn name(&self) -> &'static str {
        "slug"
    }

    fn signature(&self) -> Signature {
        Signature::new("Makes a name for a note from a title.", Type::String)
            .describe(
                "Letters and digits stay, in lower case; what is between them becomes one `-`.",
            )
            .parameter(Parameter::new("title", Type::String).describe("The title."))
    }

    fn call(&self, (title,): (String,)) -> Result<String, FunctionError> {
        let words = title.split(|c: char| !c.is_alphanumeric());
        let words: Vec<String> = words
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        if words.is_empty() {
            return Err(FunctionError::new("it must have a letter or a digit").at(0));
        }
        Ok(words.join("-"))
    }
}

/// The action `minimal_append`.
struct Append;

#[derive(Debug, Deserialize)]
struct AppendModel {
    name: Attr<String>,
    text: Attr<String>,
    times: Attr<i64>,
    delay_ms: Attr<i64>,
    crash: Attr<bool>,
}

#[async_trait]
impl Action for Append {
    type Model = AppendModel;
    type Client = Notes;

    fn type_name(&self) -> &'static str {
        "minimal_append"
    }

    fn schema(&self) -> Schema {
        let bounded = || {
            Attribute::number()
                .optional()
                .validate(validator::integer(0, 3_600_000))
        };
        Schema::new("Appends lines to a note that exists.")
            .attribute(
                "name",
                Attribute::string().required().describe("Which note."),
            )
            .attribute(
                "text",
                Attribute::string().required().describe("What to append."),
            )
            .attribute("times", bounded().describe("How often; once if not set."))
            .attribute(
                "delay_ms",
                bounded().describe("How long to wait before each line."),
            )
            .attribute(
                "crash",
                Attribute::bool()
                    .optional()
                    .describe("Whether to crash in the end, to see what a host makes of it."),
            )
    }

    async fn invoke(
        &self,
        cx: &Context<Notes>,
        config: AppendModel,
        progress: &Progress,
    ) -> Diagnostics {
        match append(cx, &config, progress).await {
            Ok(()) => Diagnostics::new(),
            Err(error) => error.into(),
        }
    }
}

async fn append(
    cx: &Context<Notes>,
    config: &AppendModel,
    progress: &Progress,
) -> Result<(), Diagnostic> {
    let (name, text) = (config.name.require("name")?, config.text.require("text")?);
    let times = config.times.known().copied().unwrap_or(1);
    let delay = config.delay_ms.known().copied().unwrap_or(0);
    for number in 1..=times {
        if !cx.sleep(Duration::from_millis(delay.unsigned_abs())).await {
            let detail = format!("{} of {times} lines were appended to {name:?}.", number - 1);
            return Err(Diagnostic::error("Interrupted", detail));
        }
        let notes = cx.client()?;
        let Some(mut stored) = notes.load(name)? else {
            let detail = format!("There is no note {name:?}.");
            return Err(Diagnostic::error("Note Not Found", detail).at("name"));
        };
        stored.text = format!("{}\n{text}", stored.text);
        stored.revision += 1;
        notes.save(name, &stored)?;
        progress.report(format!("appended {number} of {times}"));
    }
    assert_ne!(config.crash, Attr::Known(true), "as it was told");
    Ok(())
}
