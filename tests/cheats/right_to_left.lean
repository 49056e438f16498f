-- cheat: writes a part from right to left
-- wall: gate
-- statement: : False
by ‮yrros‬
