-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, value REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000)
INSERT INTO t SELECT i, 'name ' || (i * 7919 % 20011), i / 7.0 FROM n;
CREATE INDEX t_name ON t(name);
SELECT count(*), sum(id), max(name), round(avg(value), 3) FROM t;
SELECT id FROM t WHERE name = 'name 5000';
BEGIN;
UPDATE t SET value = value + 1 WHERE id % 3 = 0;
SELECT changes();
ROLLBACK;
SELECT round(sum(value), 3) FROM t;
DELETE FROM t WHERE id % 2 = 0;
VACUUM;
PRAGMA integrity_check;
PRAGMA journal_mode=WAL;
INSERT INTO t(name, value) VALUES('wal', 1);
SELECT count(*) FROM t;
PRAGMA wal_checkpoint;
PRAGMA integrity_check;
PRAGMA journal_mode=DELETE;
SELECT group_concat(name) FROM (SELECT name FROM t ORDER BY name LIMIT 5);
