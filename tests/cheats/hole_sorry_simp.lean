-- cheat: simplifies with a lemma that is sorry
-- wall: gate
-- statement: : 2 + 2 = 5
by simp [(sorry : 4 = 5)]
