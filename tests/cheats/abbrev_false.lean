-- cheat: renames False
-- wall: gate
-- statement: : False
True.intro
abbrev False := True
