-- cheat: puts an accent on a letter
-- wall: gate
-- statement: : False
by sorrý
