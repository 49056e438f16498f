-- cheat: substitutes an equation that is sorry
-- wall: gate
-- statement: : 2 + 2 = 5
(sorry : 4 = 5) ▸ rfl
