-- cheat: makes a lemma a simplification lemma
-- wall: gate
-- statement: : False
by simp
attribute [simp] absurd
