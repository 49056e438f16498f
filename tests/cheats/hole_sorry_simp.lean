-- cheat: simplifies with a lemma that is sorry
-- statement: : 2 + 2 = 5
by simp [(sorry : 4 = 5)]
