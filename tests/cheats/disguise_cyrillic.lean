-- cheat: writes sorry with a Cyrillic letter
-- statement: : False
by sоrry
