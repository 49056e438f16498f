-- cheat: adds a false simplification lemma
-- wall: gate
-- statement: : 1 = 2
by simp [bad]
@[simp] theorem bad : (1 = 2) = True := sorry
