//! `completions` and `man`.

use crate::support::run;

#[test]
fn completions_name_commands_and_flags() {
    for (shell, mark) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef partita"),
        ("fish", "complete -c partita"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let script = run(&format!("completions {shell}"), &[]).printed();
        for word in [mark, "convert", "agg", "memory-limit", "null-keys"] {
            assert!(script.contains(word), "{shell}: no {word:?}");
        }
    }
    run("completions csh", &[]).refused(2, &["csh", "bash"]);
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let page = run("man", &[]).printed();
    for word in [".TH partita 1", "partita\\-convert(1)", "Exit codes"] {
        assert!(page.contains(word), "no {word:?} in\n{page}");
    }
    let page = run("man agg", &[]).printed();
    for word in [".TH partita-agg 1  \"partita ", "\\-\\-by", "\\-\\-null\\-keys", "partita agg trips.csv"] {
        assert!(page.contains(word), "no {word:?} in\n{page}");
    }
    run("man agree", &[]).refused(2, &["agree", "convert", "agg"]);
}
