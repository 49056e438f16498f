-- cheat: makes an empty type inhabited with sorry
-- wall: gate
-- statement: : False
Classical.choice ⟨sorry⟩
