//! As much of Markdown as rules need: front matter, headings and anchors, links, fences.

/// A page that is taken apart.
pub(crate) struct Page<'a> {
    /// The lines of the front matter; nothing when there is none.
    pub(crate) front_matter: Option<Vec<&'a str>>,
    /// Lines outside of code blocks, with their numbers.
    pub(crate) prose: Vec<(usize, &'a str)>,
    /// The line of a code block that is never closed.
    pub(crate) open_fence: Option<usize>,
}

impl<'a> Page<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let end = lines
            .first()
            .filter(|line| **line == "---")
            .and_then(|_| lines.iter().skip(1).position(|line| *line == "---"));
        let front_matter = end.map(|end| lines[1..=end].to_vec());
        let body = end.map_or(0, |end| end + 2);
        let (prose, open_fence) = outside_of_code(&lines, body);
        Page {
            front_matter,
            prose,
            open_fence,
        }
    }

    /// The keys of the front matter with what stands in their line. Lines of longer values are indented.
    pub(crate) fn keys(&self) -> Vec<(&'a str, &'a str)> {
        let lines = self.front_matter.iter().flatten();
        lines
            .filter(|line| !line.starts_with([' ', '#']) && !line.is_empty())
            .map(|line| line.split_once(':').unwrap_or((line, "")))
            .map(|(key, value)| (key.trim(), value.trim().trim_matches('"')))
            .collect()
    }

    /// Everything that a link can lead to within the page.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        let mut slugs: Vec<String> = Vec::new();
        for (_, line) in &self.prose {
            if let Some(id) = between(line, "<a id=\"", "\"") {
                anchors.push(id.to_owned());
            }
            let heading = line.trim_start_matches('#');
            if heading.len() < line.len() && heading.starts_with(' ') {
                let slug = slug(heading);
                let same = slugs.iter().filter(|it| **it == slug).count();
                slugs.push(slug.clone());
                anchors.push(if same == 0 {
                    slug
                } else {
                    format!("{slug}-{same}")
                });
            }
        }
        anchors
    }

    /// Targets of links, with the numbers of their lines. A label may be wrapped, a target never is.
    pub(crate) fn links(&self) -> Vec<(usize, &'a str)> {
        let mut links = Vec::new();
        for (number, line) in &self.prose {
            for part in line.split("](").skip(1) {
                links.extend(part.split(')').next().map(|target| (*number, target)));
            }
        }
        links
    }
}

fn outside_of_code<'a>(lines: &[&'a str], start: usize) -> (Vec<(usize, &'a str)>, Option<usize>) {
    let mut prose = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    for (at, line) in lines.iter().enumerate().skip(start) {
        let text = line.trim_start();
        let length = text.chars().take_while(|it| *it == '`').count();
        match open {
            None if length >= 3 => open = Some((at + 1, length)),
            None => prose.push((at + 1, *line)),
            Some((_, opened)) if length >= opened && text[length..].trim().is_empty() => {
                open = None
            }
            Some(_) => {}
        }
    }
    (prose, open.map(|(line, _)| line))
}

/// The anchor of a heading, as GitHub and the registries make it.
fn slug(heading: &str) -> String {
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter(|it| it.is_alphanumeric() || [' ', '-', '_'].contains(it))
        .map(|it| if it == ' ' { '-' } else { it })
        .collect()
}

fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "---\npage_title: \"A page\"\ndescription: |-\n  Some: thing\n---\n\n# A `title`, here\n\n\
        ````md\n```\n[x](no)\n```\n````\n\n<a id=\"some--where\"></a>\nSee [a](b.md#c) and [d](#e).\n\n## A title here\n";

    #[test]
    fn a_page_is_taken_apart() {
        let page = Page::new(PAGE);
        assert_eq!(
            page.keys(),
            [("page_title", "A page"), ("description", "|-")]
        );
        assert_eq!(
            page.anchors(),
            ["a-title-here", "some--where", "a-title-here-1"]
        );
        let targets: Vec<&str> = page.links().into_iter().map(|(_, target)| target).collect();
        assert_eq!(targets, ["b.md#c", "#e"]);
        assert_eq!(page.open_fence, None);
    }

    #[test]
    fn a_fence_that_stays_open_is_seen() {
        assert_eq!(Page::new("a\n```sh\nb\n").open_fence, Some(2));
        assert_eq!(Page::new("```sh\nb\n```\n").open_fence, None);
    }
}
