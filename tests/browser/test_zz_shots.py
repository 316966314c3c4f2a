from tests.browser.conftest import *
from tests.browser.documents import *
NAME="A long name of a document that takes more than two lines in a narrow window, and is read to its end.txt"
def test_shots(make_stand, visit):
    stand=make_stand(); stand.upload("long", long_blocks(4), NAME); stand.make("long", voice="nova")
    for w,h,s,l in ((1280,500,"dark","fr-FR"),(360,740,"light","fr-FR"),(320,256,"light","en-US")):
        r=visit(stand, viewport={"width":w,"height":h}, color_scheme=s, locale=l).read("long"); r.page.wait_for_timeout(700)
        r.page.screenshot(path=f"/tmp/w/u17/again-{w}-read.png")
        r.at("#settings-button").click(); r.page.wait_for_timeout(500)
        r.script("import('/page/notices.js').then(({notify})=>void notify('error.DISK_FULL',{},{kind:'error'}))"); r.page.wait_for_timeout(200)
        r.page.screenshot(path=f"/tmp/w/u17/again-{w}-settings.png")
