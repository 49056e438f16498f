-- cheat: spells sorry with a Cyrillic letter
-- wall: gate
-- statement: : False
by ѕorry
