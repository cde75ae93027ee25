"""What sites say on a bad day, in their visitors' languages: data, no rules.

`head` phrases name the page where they are most of its title or heading; `weak` ones do, too, but
name ordinary pages as well; `body` phrases stand in the text. Heads are looked for in the text, too.
"""
