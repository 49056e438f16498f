-- cheat: brings its proof along
-- wall: gate
-- statement: (h : 1 = 1) : 1 = 2 := by cases h; sorry theorem x : 1 = 1
rfl
