-- cheat: builds the Decidable instance out of sorry
-- wall: gate
-- statement: : 1 = 2
@of_decide_eq_true (1 = 2) (.isTrue sorry) rfl
