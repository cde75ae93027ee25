"""Bodies that answer 200 and are not the page: logins, human checks, errors and the like."""
