-- cheat: proves another theorem of the same name
-- wall: gate
-- statement: : False
True.intro
namespace Twin
theorem stp_target : True := trivial
end Twin
