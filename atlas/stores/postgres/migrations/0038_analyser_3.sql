-- The first build of the index, while nothing is in it, is by the analyser of this release.
update generations set analyser = 3 where state = 'active' and entries = 0;
