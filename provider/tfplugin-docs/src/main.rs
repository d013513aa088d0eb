//! `tfplugin-docs FOLDER` writes the pages of the provider whose schemas it reads from the standard input into
//! `FOLDER/docs`. It checks nothing; that is what the tests are for.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: PROVIDER schema | tfplugin-docs FOLDER\n\
    Writes FOLDER/docs from the schemas, FOLDER/examples and FOLDER/templates.";

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [root] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut schemas = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut schemas) {
        eprintln!("the standard input cannot be read: {error}");
        return ExitCode::FAILURE;
    }
    let pages = tfplugin_docs::pages(&schemas, root);
    match pages.and_then(|pages| tfplugin_docs::write(&pages, root).map(|()| pages.len())) {
        Ok(written) => {
            println!("{written} pages in {}", root.join("docs").display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
